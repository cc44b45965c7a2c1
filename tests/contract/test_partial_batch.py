"""The result for a message is independent of the other messages in its batch."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_offload.local.aws.sqs_event import acknowledge
from django_offload.local.lambda_.invoker import Outcome
from django_offload.testing import Invocation, Offload, sqs_event
from django_offload.transports import Delivery
from django_offload.worker import batch
from tests.contract import tasks
from tests.contract.setup import TASK_MODULES, tasks_setting
from tests.older_code import enqueued_by_older_code

# The kinds of messages, and whether they may be acknowledged.
KINDS = {
    "runs": True,
    "fails": True,
    "misfit": True,
    "duplicate": True,
    "forged": False,
    "not JSON": False,
    "for another queue": False,
}
IDS = [f"m{number}" for number in range(6)]


def bodies(kind, offload):
    """Create a message of this kind; return the bodies and the result to look at."""
    make = {
        "fails": tasks.raises_value_error,
        "misfit": tasks.raises_value_error,
        "for another queue": tasks.on_the_queue_for_reports,
    }.get(kind, tasks.answer)
    result = enqueued_by_older_code(make, "one too many") if kind == "misfit" else make.enqueue()
    (transport,) = offload.transports.values()
    held = [held for queue in transport.queues.values() for held in queue.messages.values()]
    for queue in transport.queues.values():
        queue.messages.clear()
    (body,) = [message.body for message in held]
    if kind == "forged":
        body = body.replace('"args":[]', '"args":[1]')
    if kind == "not JSON":
        body = body[1:]
    return [body, body] if kind == "duplicate" else [body], result


@pytest.mark.parametrize("concurrency", [1, 4])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
def test_the_result_for_a_message_does_not_depend_on_its_neighbours(settings, concurrency, kinds):
    queues = {"default": {"concurrency": concurrency}}
    settings.TASKS = tasks_setting(modules=TASK_MODULES, queues=queues)
    with Offload().active() as offload:
        deliveries, expected, twins, results = [], [], [], []
        for kind in kinds:
            texts, result = bodies(kind, offload)
            twins += [{f"m{len(deliveries)}", f"m{len(deliveries) + 1}"}] if len(texts) > 1 else []
            for text in texts:
                number = f"m{len(deliveries)}"
                deliveries.append(Delivery(id=number, body=text, queue="default", handle=number))
                expected += [] if KINDS[kind] else [number]
            results.append((kind, result))

        answer = batch.handler(
            sqs_event(deliveries, "contract-default"), Invocation("contract-default-worker")
        )

        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        # If two messages of one task start together, one of them waits for the end of the other's lease.
        late = [number for number in failed if number not in expected]
        assert failed == sorted([*expected, *late], key=lambda number: int(number[1:]))
        assert set(late) <= (set().union(*twins) if concurrency > 1 else set())
        assert not [pair for pair in twins if pair <= set(late)]
        for kind, result in results:
            result.refresh()
            assert result.status == {"runs": "SUCCESSFUL", "duplicate": "SUCCESSFUL"}.get(
                kind, "FAILED" if KINDS[kind] else "READY"
            )


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(1, 6),
    failed=st.lists(st.sampled_from([*IDS, "unknown", "", None, 5]), max_size=6),
    partial=st.booleans(),
    crashed=st.booleans(),
)
def test_settling_loses_no_message_and_acknowledges_none_that_failed(count, failed, partial, crashed):
    event = {"Records": [{"messageId": number} for number in IDS[:count]]}
    response = {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
    outcome = Outcome(payload=json.dumps(response).encode(), failed=crashed)

    acknowledged, given_back = acknowledge(event, outcome, partial=partial)

    assert [r for r in event["Records"] if r in acknowledged or r in given_back] == event["Records"]
    assert not [r for r in acknowledged if r in given_back]
    if crashed or (partial and not set(failed) <= set(IDS[:count])):
        assert acknowledged == []
    elif partial:
        assert {r["messageId"] for r in given_back} == set(failed)
    else:
        assert given_back == []
