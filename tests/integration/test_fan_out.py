"""A sweeper shares out a backlog, from its rule to the last message, through the interface of Lambda."""

import logging

import pytest

from django_offload.conf import configured
from django_offload.local.lambda_.invoke_api import InvokeApi, InvokeError
from django_offload.stores import store_of
from django_offload.testing import Invocation, sweep_event
from django_offload.worker import fan_out, sweep
from django_offload.worker.sweeping.due_pages import PAGE
from tests.contract.records import create_record, enqueued_task
from tests.contract.setup import STACK
from tests.integration.setup import MINUTE
from tests.old_shards import DUE_SHARDS

COUNT = PAGE * DUE_SHARDS


@pytest.fixture
def backlog(aws, monkeypatch):
    """Defer as many tasks as two shards have in a page, and let one sweeper be too slow for two shards."""
    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    store = store_of(configured()["default"])
    now = aws.clock()
    for number in range(COUNT):
        times = {"enqueued_at": now - 60 * MINUTE, "run_after": now + 10 * MINUTE}
        create_record(store, enqueued_task(f"{number:032x}", **times))
    return aws


def messages(aws):
    """Return how many messages wait for their start in the queue."""
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{STACK}-default")["QueueUrl"]
    name = "ApproximateNumberOfMessagesDelayed"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_two_groups_send_everything_once(backlog, caplog):
    local, (rule,) = backlog._aws, [rule for rule in backlog._aws.schedule.rules if rule.input is None]
    with caplog.at_level(logging.INFO, "django_offload"):
        local.schedule.invoke(rule)
        runs = local.async_invocations.run_pending()

    assert runs == 2  # The sweep, which keeps one of the two shards, and a group of the other one.
    assert "is swept by 1 more invocations" in caplog.text
    assert f"Swept: {{'sent': {PAGE}}}" in caplog.text
    assert f" of 2: {{'sent': {PAGE}}}" in caplog.text
    assert messages(backlog) == COUNT


def test_if_lambda_does_not_accept_them_the_sweep_sends_everything(backlog, caplog, monkeypatch):
    def refuse(api, name, invocation_type, event):
        raise InvokeError(403, "AccessDeniedException", f"May not invoke {name}.")

    monkeypatch.setattr(InvokeApi, "invoke", refuse)
    now = backlog.clock()

    done = sweep.handler(sweep_event(f"{STACK}-sweeper", now), Invocation(f"{STACK}-sweeper"))

    assert done == {"sent": COUNT}
    assert caplog.text.count("couldn't be handed over") == 1
    assert messages(backlog) == COUNT
