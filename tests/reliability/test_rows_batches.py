"""Rows of the failure table about many tasks at once: what AWS takes in part."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any
from unittest import mock

import pytest

from django_offload.aws import clients
from django_offload.backends import base
from django_offload.conf import CLIENTS, configured
from django_offload.exceptions import EnqueueFailed
from django_offload.transports import sqs
from tests.calls import watched
from tests.contract.setup import tasks_setting
from tests.faults import FailingStore, store_with
from tests.reliability import tasks

MANY = 25
ENTRIES = list[dict[str, Any]]


class Partial:
    """Has SQS take a batch but for some entries, the first time that each is sent."""

    def __init__(self, *, left_out: Callable[[int], bool], fault: bool) -> None:
        self.left_out, self.fault = left_out, fault
        self.sent: list[list[str]] = []
        self.refused: set[str] = set()

    def under_way(self, client: Any, operation: str, **arguments: Any) -> Callable[[], Any]:
        if "Entries" not in arguments:
            return clients.under_way(client, operation, **arguments)
        entries: ENTRIES = arguments.pop("Entries")
        self.sent.append([entry["MessageBody"] for entry in entries])
        out = [entry for entry in entries if self._refuses(entry)]
        taken = [entry for entry in entries if entry not in out]
        wait = clients.under_way(client, operation, Entries=taken, **arguments) if taken else dict

        def answer() -> dict[str, Any]:
            said = {"Code": "InternalError", "SenderFault": self.fault}
            return {**wait(), "Failed": [{"Id": entry["Id"], **said} for entry in out]}

        return answer

    def _refuses(self, entry: dict[str, Any]) -> bool:
        text = entry["MessageBody"]
        if text in self.refused or not self.left_out(int(entry["Id"])):
            return False
        self.refused.add(text)
        return True


@pytest.fixture(params=CLIENTS)
def aws(settings: Any, request: pytest.FixtureRequest) -> Any:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks"], client=request.param)
    tasks.executions.clear()
    tasks.first.clear()
    return request.getfixturevalue("offload_aws")


@pytest.fixture
def made(aws: Any) -> Iterator[list[str]]:
    """The names of the calls that this process makes to AWS."""
    found: list[str] = []
    with watched(lambda service, name, arguments: found.append(name)):
        yield found


def enqueued(*arguments: Any) -> list[Any]:
    return list(tasks.plain.enqueue_many(arguments or [(number,) for number in range(MANY)]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", [False, True], ids=["fault of SQS", "fault of the sender"])
def test_f17_of_a_batch_that_is_accepted_in_part_the_rest_alone_is_sent_again(
    aws: Any, monkeypatch: pytest.MonkeyPatch, fault: bool, seed: int
) -> None:
    dice = random.Random(seed)
    share = dice.random()
    partial = Partial(left_out=lambda number: dice.random() < share, fault=fault)
    monkeypatch.setattr(sqs, "under_way", partial.under_way)

    answers = enqueued()

    first, again = partial.sent[:3], partial.sent[3:]
    assert 0 < len(partial.refused) < MANY
    assert [len(batch) for batch in first] == [10, 10, 5]
    assert sorted(chain(*again)) == ([] if fault else sorted(partial.refused))
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert aws.run() == MANY - (len(partial.refused) if fault else 0)
    # What no message could be sent of has its record: the sweeper sends it.
    partial.left_out = lambda number: False
    aws.sweep(ahead=timedelta(minutes=6))
    aws.run()
    assert sorted(tasks.executions) == list(range(MANY)), "what went in came out, once"


def test_f17_a_message_that_was_left_out_and_has_no_record_is_the_answer_to_its_task(
    aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = Partial(left_out=lambda number: number == 0, fault=True)
    monkeypatch.setattr(sqs, "under_way", partial.under_way)

    with store_with(lambda inner: FailingStore(inner, before="create")):
        lost, *sent = enqueued()

    assert isinstance(lost, EnqueueFailed)
    assert "rejected an entry of SendMessageBatch: InternalError" in str(lost.__cause__)
    assert aws.run() == len(sent) == MANY - 1


def test_f18_records_and_what_stands_beside_them_are_written_by_conditional_writes_alone(
    aws: Any, made: list[str]
) -> None:
    answers = enqueued(*[(number,) for number in range(MANY)])
    answers += tasks.echoing.enqueue_many([(tasks.LONG, length) for length in range(MANY)])
    aws.run()

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert made.count("SendMessageBatch") == 3 + 3
    assert made.count("PutItem") == 2 * MANY
    # Arguments beside half of the records; claims and ends.
    assert made.count("UpdateItem") == MANY + 2 * 2 * MANY
    assert {name for name in made if "Batch" in name} == {"SendMessageBatch"}


def test_f18_of_many_records_one_that_is_not_written_stops_no_other(aws: Any) -> None:
    with store_with(lambda inner: FailingStore(inner, before="create", times=7)):
        answers = enqueued()

    assert not [answer for answer in answers if isinstance(answer, Exception)], "their messages were sent"
    assert aws.run() == MANY
    assert sorted(tasks.executions) == list(range(MANY))


def test_f18_a_bulk_enqueue_that_meets_running_records_overwrites_none(aws: Any) -> None:
    """Repeated while workers hold what it was about: by a task, between others' claims and ends."""
    with mock.patch.object(base, "send_many", wraps=base.send_many) as sending:
        answers = list(tasks.prepared.enqueue_many((number,) for number in range(MANY)))
    seen: list[str] = []

    def again() -> None:
        before = records(aws)
        assert base.send_many(*sending.call_args.args) == [None] * MANY
        assert records(aws) == before
        seen.extend(record["status"]["S"] for record in before.values())

    tasks.first.extend([again] * 2)
    aws.run()

    assert Counter(seen) == {"RUNNING": 2, "SUCCESSFUL": 1, "READY": 2 * MANY - 3}
    for answer in answers:
        answer.refresh()
        assert (answer.status, answer.attempts) == ("SUCCESSFUL", 1)
    assert sorted(tasks.executions) == list(range(MANY))


def records(aws: Any) -> dict[str, Any]:
    """Return every record, as it is stored."""
    items = aws.client("dynamodb").scan(TableName=configured()["default"].table)["Items"]
    return {item["id"]["S"]: item for item in items if item["part"]["S"] == "record"}


def test_f18_a_birth_that_is_repeated_overwrites_no_record_that_was_claimed(aws: Any) -> None:
    """As by a client that repeats a call whose answer it lost."""
    with mock.patch.object(base, "send_many", wraps=base.send_many) as sending:
        answers = enqueued()
    aws.run()

    assert base.send_many(*sending.call_args.args) == [None] * MANY
    aws.run()

    for answer in answers:
        answer.refresh()
        assert (answer.status, answer.attempts) == ("SUCCESSFUL", 1)
    assert sorted(tasks.executions) == list(range(MANY))
