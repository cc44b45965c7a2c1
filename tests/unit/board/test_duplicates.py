"""The page of a duplicate leads to the task that does its work, and no list of trouble has it."""

import pytest
from django.db import transaction

from tests.contract import unique_tasks as tasks
from tests.unit.management.commands import run, run_json

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(settings, ours, request):
    """Return the fixture `offload`, a waiting task, and its duplicate."""
    tasks.forget()
    settings.TASKS["default"]["OPTIONS"]["modules"].append("tests.contract.unique_tasks")
    settings.TASKS = settings.TASKS
    offload = request.getfixturevalue("offload")
    with transaction.atomic():
        first, second = tasks.sync.enqueue(7), tasks.sync.enqueue(7)
    return offload, first, second


def test_the_page_of_a_duplicate_links_to_the_task_that_does_its_work(pair, ada):
    _, first, second = pair

    page, own = ada.open(second.id), ada.open(first.id)

    assert f'<a href="/admin/django_offload/task/{first.id}/change/">' in page.text
    entries = page.context["detail"].timeline
    assert [entry.title for entry in entries] == ["Enqueued", "Ended as a duplicate"]
    assert [action.slug for action in page.context["actions"]] == ["retry"]
    assert "Unique key" in [name for name, _ in own.context["detail"].facts]
    assert "A duplicate of" not in own.text


def test_no_list_of_trouble_has_a_duplicate(pair, ada):
    _, first, second = pair

    assert [ada.ids(slug) for slug in ("underway", "failed", "dead")] == [[first.id], [], []]
    _, dead = run_json("offload_dead", "list")
    assert second.id not in str(dead)


def test_a_duplicate_can_run_when_nobody_has_its_key_any_more(pair, ada):
    offload, first, second = pair

    refused = ada.act("retry", second.id)
    assert f"Task id={first.id} has its unique key" in str(ada.messages_after(refused))
    offload.run()
    done = ada.act("retry", second.id)
    assert "READY again" in str(ada.messages_after(done))
    assert tasks.sync.enqueue(7).id == second.id
    offload.run()

    second.refresh()
    assert (second.duplicate, second.attempts, second.return_value) == (False, 1, 7)
    assert len(tasks.ran) == 2


def test_the_command_shows_and_follows_a_duplicate_and_cancels_nothing(pair):
    offload, first, second = pair

    code, text = run("offload_result", second.id)
    assert (code, f"duplicate_of  {first.id}" in text) == (0, True)
    _, found = run_json("offload_result", second.id)
    assert (found["duplicate_of"], len(found["unique"])) == (first.id, 32)
    code, text = run("offload_result", second.id, "--cancel")
    assert code != 0
    assert f"The task is a duplicate. Cancel the one that does its work: {first.id}." in text
    offload.run()
    code, text = run("offload_result", second.id, "--follow")
    assert (code, "SUCCESSFUL" in text, first.id in text) == (0, True, True)
