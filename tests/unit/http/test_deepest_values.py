"""The deepest values that a task may have are shown wherever a task is shown, in a deep stack too."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from django_offload.conf.json_values import MOST_LEVELS
from tests.contract import tasks as contract_tasks
from tests.unit import tasks
from tests.unit.http.site_of_json import RECURSION


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def levels_of(value):
    levels = 0
    while isinstance(value, list):
        value, levels = next(iter(value), None), levels + 1
    return levels


@pytest.fixture
def ended(ours, offload):
    """Return the results of a task that returned its deep argument, and of one that masks it and failed."""
    results = (
        contract_tasks.echo.enqueue(nested(MOST_LEVELS)),
        tasks.send.enqueue(1, card=nested(MOST_LEVELS)),
    )
    offload.run()
    return results


@pytest.mark.parametrize("frames", [0, 300, 600, 750])
def test_the_deepest_values_are_shown_on_a_status_and_on_the_board(
    visitor, ended, settings, frames, monkeypatch
):
    monkeypatch.setitem(RECURSION, "frames", frames)
    somebody = visitor("ada", is_staff=True, is_superuser=True)
    settings.MIDDLEWARE = ["tests.unit.http.site_of_json.deep_stack", *settings.MIDDLEWARE]
    returned, _masked = ended

    status = somebody.client.get(reverse("django_offload:status", args=[returned.id]))
    pages = [
        somebody.client.get(reverse("admin:django_offload_task_change", args=[result.id])) for result in ended
    ]

    assert [answer.status_code for answer in (status, *pages)] == [200, 200, 200]
    assert status.text.count("[") >= MOST_LEVELS
    assert pages[0].text.count("[") > 100  # The page shows the beginning.
    assert "********" in pages[1].text


def test_a_command_prints_the_deepest_values(ended):
    out = StringIO()

    call_command("offload_result", ended[0].id, "--json", stdout=out)

    assert levels_of(json.loads(out.getvalue())["return_value"]) >= MOST_LEVELS
