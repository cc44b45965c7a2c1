"""Texts beside a record stay as long as the record can be read, counted from when they are written."""

from datetime import timedelta

import pytest

from django_offload.protocol.record import RECORD_LIFE
from tests.contract import process_tasks as tasks
from tests.contract.process_site import process_tasks_setting


def test_a_text_beside_a_record_is_kept_for_the_life_of_the_record(settings, request, monkeypatch):
    settings.TASKS = process_tasks_setting()
    offload = request.getfixturevalue("offload")
    (store,) = offload.stores.values()
    put_part, lives = store.put_part, {}

    def watched(task_id, part, text, ttl):
        lives[part] = ttl - offload.clock().timestamp()
        return put_part(task_id, part, text, ttl)

    monkeypatch.setattr(store, "put_part", watched)
    monkeypatch.setattr(
        tasks, "meanwhile", [lambda: offload.clock.skip_to(offload.clock() + timedelta(minutes=1))]
    )
    result = tasks.step_and_fail.enqueue()
    offload.run()
    result.refresh()

    assert result.status == "FAILED"
    life = (RECORD_LIFE + timedelta(days=3)).total_seconds()
    assert lives == {
        "step#mine": pytest.approx(life, abs=20),
        "error#0001": pytest.approx(life, abs=20),
    }
