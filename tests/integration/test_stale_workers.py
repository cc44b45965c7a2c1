"""A worker whose claim another one took over; and the neighbours in a batch."""

import pytest

from django_offload.compat import TaskResultStatus
from django_offload.definition.context import current
from django_offload.protocol.transitions import succeed
from tests.contract.setup import tasks_setting
from tests.integration import tasks
from tests.integration.setup import MINUTE, MODULES, event_of, record_of, store, take_over, work_at


def test_a_stale_worker_changes_nothing(both):
    taken = []

    def outrun(task_id):
        take_over(task_id)
        end = succeed(
            fence=2,
            token="another",
            now=record_of(task_id).attempted_at,
            result_ttl=60 * MINUTE,
            stored={"result": '"the other one\'s"'},
        )
        store().change(task_id, end)
        taken.append(store().get(task_id))

    tasks.HOOKS.append(outrun)
    result = tasks.hooked.enqueue("mine")

    both.run()

    assert tasks.RUNS == ["mine"]
    assert store().get(result.id) == taken[0]
    result.refresh()
    assert result.return_value == "the other one's"


@pytest.mark.parametrize("failure", [None, OSError("mine failed"), SystemExit("mine failed")])
def test_a_stale_worker_overwrites_no_live_attempt(aws, failure):
    taken = []

    def outrun(task_id):
        take_over(task_id)
        taken.append(store().get(task_id))
        if failure is not None:
            raise failure

    tasks.HOOKS.append(outrun)
    result = tasks.retried.enqueue("a")

    aws.run()

    assert store().get(result.id) == taken[0]


def test_a_task_that_lost_its_claim_is_told_to_stop(aws):
    seen = []

    def outrun(task_id):
        take_over(task_id)
        seen.append(current().reporter.asked_to_stop())

    tasks.HOOKS.append(outrun)
    tasks.hooked.enqueue("a")

    aws.run()

    assert seen == [True]


def test_a_queue_with_batches_settles_each_message_alone(aws, settings, request, queues):
    queue = {"default": {"batch_size": 10}}
    settings.TASKS = tasks_setting(modules=MODULES, queues=queue)
    results = [tasks.note.enqueue(number) for number in range(9)]
    queues.send('{"poison":1}')
    event = event_of(queues.take())

    answer = work_at(0 * MINUTE, event)

    assert len(event["Records"]) == 10
    poison = [record["messageId"] for record in event["Records"] if "poison" in record["body"]]
    assert answer == {"batchItemFailures": [{"itemIdentifier": poison[0]}]}
    for result in results:
        result.refresh()
    assert {result.status for result in results} == {TaskResultStatus.SUCCESSFUL}
    assert sorted(tasks.RUNS) == list(range(9))


def test_a_task_that_fails_answers_for_its_message_alone(aws, queues):
    results = [tasks.note.enqueue(number) for number in range(5)]
    event = event_of(queues.take())
    aws.fail_next(SystemExit("gone"))

    assert work_at(0 * MINUTE, event) == {"batchItemFailures": []}

    for result in results:
        result.refresh()
    assert sorted(result.status for result in results) == ["FAILED", *["SUCCESSFUL"] * 4]
