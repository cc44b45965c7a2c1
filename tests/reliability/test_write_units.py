"""What a task costs in DynamoDB's write units, computed from items before and after: moto always says 1."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from django_offload.conf import CLIENTS, configured
from django_offload.protocol.record import INLINE_RESULT_BYTES
from django_offload.protocol.record_size import INLINE_ARGUMENTS_BYTES
from django_offload.stack.names import HISTORY_INDEXES
from tests.calls import watched
from tests.contract.setup import tasks_setting
from tests.reliability import tasks
from tests.write_units import UNIT, Item, item_size, units

WRITES = {"PutItem", "UpdateItem"}


class Meter:
    """Looks at each item before and after each write of this process."""

    def __init__(self, aws: Any, table: str) -> None:
        self.table, self.aws = aws.client("dynamodb"), aws
        self.name, self.before = table, None
        self.writes: list[tuple[str, int]] = []
        self.largest = 0
        self.indexes: tuple[str, ...] = ("due",)

    def item(self) -> Item | None:
        found: Item | None = self.table.get_item(TableName=self.name, Key=self.key, ConsistentRead=True).get(
            "Item"
        )
        return found

    def note(self, service: str, name: str, params: Mapping[str, Any]) -> None:
        if name not in WRITES:
            return
        item = params.get("Key") or params["Item"]
        self.key = {"id": item["id"], "part": item["part"]}
        self.before = self.item()

    def count(self, name: str) -> None:
        if name not in WRITES:
            return
        after = self.item()
        self.writes.append(
            ("made" if self.before is None else "changed", units(self.before, after, self.indexes))
        )
        if after and after.get("status", {}).get("S") in {"READY", "RUNNING"}:
            self.largest = max(self.largest, item_size(after))


def metered(settings: Any, request: pytest.FixtureRequest, **options: Any) -> Iterator[Meter]:
    settings.TASKS = tasks_setting(
        modules=["tests.reliability.tasks"], owner="tests.reliability.test_write_units.somebody", **options
    )
    aws = request.getfixturevalue("offload_aws")
    found = Meter(aws, configured()["default"].table)
    with watched(found.note, found.count):
        yield found


@pytest.fixture(params=CLIENTS)
def meter(settings: Any, request: pytest.FixtureRequest) -> Iterator[Meter]:
    yield from metered(settings, request, client=request.param)


# The units of the birth: the record, its entry in the index `due`, and one in each index of all tasks.
BIRTHS = {True: 3, "both": 4, "sharded": 3}


@pytest.fixture(params=BIRTHS)
def listing_meter(settings: Any, request: pytest.FixtureRequest) -> Iterator[Meter]:
    for meter in metered(settings, request, history=request.param, shards=32):
        meter.indexes = HISTORY_INDEXES[request.param] + ("due",)
        yield meter


@pytest.mark.parametrize("arguments", [7, INLINE_ARGUMENTS_BYTES])
def test_a_list_of_all_tasks_costs_one_unit_more_and_two_while_it_changes(
    listing_meter: Meter, arguments: int
) -> None:
    """Whichever arguments the record itself holds: its partition in the list is counted among its texts."""
    tasks.echoing.enqueue("x" * (arguments - len('[["",1],{}]')) if arguments > 11 else "", 1)
    listing_meter.aws.run()

    birth = BIRTHS[configured()["default"].history]
    assert listing_meter.writes == [("made", birth), ("changed", 1), ("changed", 2)]
    assert listing_meter.largest <= UNIT


def somebody() -> str:
    return "session:" + "f" * 64


def test_a_task_costs_at_most_five_write_units_its_index_included(meter: Meter) -> None:
    tasks.plain.enqueue(7)
    meter.aws.run()

    assert meter.writes == [("made", 2), ("changed", 1), ("changed", 2)]
    assert sum(units for _, units in meter.writes) <= 5


# Arguments and result together, with a visitor's session as the owner: what fits into the first KB.
BOTH = 600


@pytest.mark.parametrize("arguments", [INLINE_ARGUMENTS_BYTES, BOTH - INLINE_RESULT_BYTES])
def test_so_does_one_with_arguments_and_result_of_600_bytes(meter: Meter, arguments: int) -> None:
    result = BOTH - arguments
    tasks.echoing.enqueue("x" * (arguments - len('[["",298],{}]')), result - 2)
    meter.aws.run()

    assert meter.writes == [("made", 2), ("changed", 1), ("changed", 2)]


def test_the_longest_that_a_record_holds_cost_one_unit_more_at_the_end(meter: Meter) -> None:
    tasks.echoing.enqueue("x" * (INLINE_ARGUMENTS_BYTES - len('[["",298],{}]')), INLINE_RESULT_BYTES - 2)
    meter.aws.run()

    assert meter.largest <= UNIT, "until it ends, every write of a record is one unit"
    assert meter.writes == [("made", 2), ("changed", 1), ("changed", 3)]


@pytest.mark.parametrize("size", [INLINE_ARGUMENTS_BYTES + 1, 5_000, 299_000])
def test_arguments_beside_the_record_are_written_once_and_leave_the_rest_as_cheap(
    meter: Meter, size: int
) -> None:
    tasks.echoing.enqueue("x" * size, 7)
    meter.aws.run()

    beside, *rest = meter.writes
    assert beside == ("made", math.ceil((size + 100) / UNIT))
    assert rest == [("made", 2), ("changed", 1), ("changed", 2)]


def test_what_is_told_and_what_goes_wrong_costs_one_unit_each(meter: Meter) -> None:
    """With arguments that just stand in the record: a retry enters the index again."""
    number = 10 ** (INLINE_ARGUMENTS_BYTES - len("[[],{}]") - 1)
    tasks.failing_loudly.enqueue(number)
    meter.aws.run()

    assert meter.largest <= UNIT
    # Of a message that is cut to what fits, the end keeps more: that may take it into the second KB.
    # Claim, progress, release; claim, progress, end. Tracebacks are kept beside, once, at their own size.
    assert [units for name, units in meter.writes if name == "changed"] == [1, 1, 3, 1, 1, 4]


def test_without_a_record_at_enqueue_there_are_two_writes_of_one_unit(meter: Meter, settings: Any) -> None:
    found = settings.TASKS
    found["default"]["OPTIONS"]["record_at_enqueue"] = False
    settings.TASKS = {**found}

    tasks.plain.enqueue(7)
    meter.aws.run()

    assert meter.writes == [("made", 1), ("changed", 1)]


@pytest.fixture
def in_trouble_alone(meter: Meter, settings: Any) -> None:
    found = settings.TASKS
    found["default"]["OPTIONS"]["queues"] = {"default": {"index": "trouble"}}
    settings.TASKS = {**found}


@pytest.mark.usefixtures("in_trouble_alone")
def test_a_task_that_the_index_has_only_in_trouble_costs_three_units(meter: Meter) -> None:
    tasks.plain.enqueue(7)
    meter.aws.run()

    assert meter.writes == [("made", 1), ("changed", 1), ("changed", 1)]


@pytest.mark.usefixtures("in_trouble_alone")
def test_in_trouble_it_costs_its_entry_and_no_more(meter: Meter) -> None:
    tasks.failing_loudly.enqueue(7)
    meter.aws.run()

    # Claim, progress, release with an entry; claim, progress, and the entry goes to the list of the failed.
    assert [units for name, units in meter.writes if name == "changed"] == [1, 1, 2, 1, 1, 3]


def test_a_claim_touches_no_attribute_of_the_index(meter: Meter) -> None:
    tasks.plain.enqueue(7)
    meter.aws.run()

    _, claim, _ = meter.writes
    assert claim == ("changed", 1)


def test_the_rules_are_those_of_dynamodb() -> None:
    small = {"text": {"S": "x" * 998}}
    due = {"due_shard": {"N": "1"}, "due_at": {"N": "1700000000000000"}}
    later = {**due, "due_at": {"N": "1700000000000001"}}

    assert units(None, small) == 1
    assert units(None, {"id": {"S": "x" * 1023}}) == 2, "names count, and a begun KB is a whole one"
    assert units(None, {**small, **due}) == 3, "the item of 1,034 bytes, and a new entry"
    assert units(due, due) == 1
    assert units(due, later) == 3, "an entry whose key changes goes and comes"
    assert units(due, {}) == 2


def test_an_attribute_of_an_entry_is_free_where_the_entry_moves_and_costs_a_unit_alone() -> None:
    """What lists will need is set at birth, or by the write that moves the entry to the FAILED ones."""
    due = {"due_shard": {"N": "1"}, "due_at": {"N": "1700000000000000"}}
    failed = {**due, "due_shard": {"N": "4001"}}
    said = {"error_class": {"S": "shop.Broken"}, "flow": {"S": "f" * 32}, "tenant": {"S": "customer-7"}}

    assert units(None, {**due, **said}) == units(None, due)
    assert units(due, {**failed, **said}) == units(due, failed) == 3
    assert units(due, {**due, **said}) == units(due, due) + 1

    listed = {
        "alias": {"S": "default"},
        "listed": {"S": "default#1"},
        "enqueued_at": {"N": "1700000000000000"},
    }
    both = ("history", "history-sharded")
    assert units(listed, {**listed, **said}, both) == units(listed, listed, both) + 2 == 3


def test_an_entry_of_the_index_counts_with_all_that_it_holds() -> None:
    due = {"due_shard": {"N": "1"}, "due_at": {"N": "1700000000000000"}}
    long, other = {**due, "owner": {"S": "x" * 1_024}}, {**due, "arguments": {"S": "x" * 1_024}}

    assert units(None, long) == 2 + 2, "an owner is in the entry, which is two units of its own"
    assert units(None, other) == 2 + 1
    assert units(long, {**long, "status": {"S": "RUNNING"}}) == 2
