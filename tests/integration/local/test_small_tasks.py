"""What a small task costs the server, which limits how many of them run per second."""

from collections import Counter

import pytest
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from django_offload.local.aws.moto_requests import MotoRequests
from django_offload.testing.aws import OffloadAWS
from tests.contract.tasks import add

TASKS = 20


def test_a_small_task_costs_four_requests_on_connections_that_stay_open(
    aws: OffloadAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: Counter[str] = Counter()
    connections = set()
    run_wsgi = MotoRequests.run_wsgi

    def counted(self: MotoRequests) -> None:
        requests[self.headers["X-Amz-Target"]] += 1
        connections.add(self.client_address)
        run_wsgi(self)

    add.enqueue(1, 2)
    aws.run()
    monkeypatch.setattr(MotoRequests, "run_wsgi", counted)
    parsed = UpdateExpressionParser.make.cache_info().misses

    results = [add.enqueue(number, 2) for number in range(TASKS)]
    assert aws.run() == TASKS

    assert requests == {
        "DynamoDB_20120810.PutItem": TASKS,
        "AmazonSQS.SendMessage": TASKS,
        "DynamoDB_20120810.UpdateItem": 2 * TASKS,
    }
    assert len(connections) <= 4
    assert UpdateExpressionParser.make.cache_info().misses == parsed
    results[-1].refresh()
    assert results[-1].return_value == TASKS + 1
