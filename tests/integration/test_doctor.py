"""The doctor: silent about a healthy stack, and each finding provoked once."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from django_offload.outbox.models import OutboxEntry
from tests.contract.setup import STACK, tasks_setting
from tests.integration import tasks
from tests.integration.setup import MINUTE, MODULES, claim_by_another, enqueued_before, store
from tests.unit.management.commands import run, run_json


def diagnosis():
    code, said = run_json("offload_doctor")
    return code, {finding["id"]: finding for finding in said["findings"]}, said


@pytest.fixture
def found(aws):
    """Return what tells the one finding there must be."""

    def one(id_):
        code, findings, _ = diagnosis()
        assert (code, list(findings)) == (1, [id_])
        assert findings[id_]["mend"].endswith(".")
        return findings[id_]["text"]

    return one


def test_a_healthy_stack(aws):
    tasks.note.enqueue("a")
    aws.run()

    code, findings, said = diagnosis()

    assert (code, findings) == (0, {})
    assert [note["id"] for note in said["notes"]] == ["local"]
    assert said["stacks"] == {STACK: {"oldest_ready": None, "oldest_running": None}}
    code, printed = run("offload_doctor")
    assert (code, printed.splitlines()[-1]) == (0, "Nothing is wrong.")
    assert printed.splitlines()[0].startswith("note   Event source mappings and schedule are disabled")
