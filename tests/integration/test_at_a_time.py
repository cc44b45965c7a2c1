"""Several tasks at a time within one invocation, on AWS's stand-in, by each client."""

import pytest

from django_offload.compat import TaskResultStatus
from django_offload.conf import CLIENTS
from tests.contract import concurrent_tasks as tasks
from tests.contract.setup import tasks_setting
from tests.integration.setup import MINUTE, Queues, event_of, record_of, work_at

AT_A_TIME = 5


@pytest.fixture(params=CLIENTS)
def aws(request, settings):
    settings.TASKS = tasks_setting(
        modules=["tests.contract.concurrent_tasks"],
        queues={"default": {"concurrency": AT_A_TIME, "batch_size": 10}},
        client=request.param,
    )
    tasks.forget()
    return request.getfixturevalue("offload_aws")


def test_a_batch_has_each_outcome_recorded_and_each_message_answered_for(aws):
    meeting = [tasks.meet.enqueue(AT_A_TIME) for _ in range(3)]
    meeting += [tasks.meet_on_the_loop.enqueue(AT_A_TIME) for _ in range(2)]
    failing = [tasks.end.enqueue("by exception"), tasks.end_on_the_loop.enqueue("by exit")]
    queues = Queues(aws.client("sqs"))
    queues.send("not a message of ours")
    event = event_of(queues.take())

    answer = work_at(0 * MINUTE, event)

    (refused,) = [record for record in event["Records"] if record["body"].startswith("not a")]
    assert answer == {"batchItemFailures": [{"itemIdentifier": refused["messageId"]}]}
    for result, status in [
        *((result, TaskResultStatus.SUCCESSFUL) for result in meeting),
        *((result, TaskResultStatus.FAILED) for result in failing),
    ]:
        result.refresh()
        assert (result.status, record_of(result.id).fence) == (status, 1)
