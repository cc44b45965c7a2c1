"""Pages merge partitions: none misses a newer entry or repeats one, and each makes few calls together."""

import math
from datetime import timedelta
from functools import partial
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_offload.board import paging
from django_offload.board.lists import FAILED_TASKS, lists
from django_offload.board.paging import decode_cursor, encode_cursor
from django_offload.conf import configured
from django_offload.operations import index_pages
from django_offload.operations.index_pages import Place, first_entries
from django_offload.protocol.json_codec import from_micros, to_micros
from django_offload.protocol.record import initial_item
from django_offload.protocol.shards import Band, partition, partitions
from django_offload.stores.dynamodb_listing import DynamoDBListing
from django_offload.stores.listing import DUE, IndexQuery
from django_offload.stores.memory import MemoryStore
from django_offload.stores.memory_listing import MemoryListing
from tests.benchmarks.board_pages import MeteredListing
from tests.benchmarks.virtual_time import CALL_SECONDS, VirtualTime
from tests.contract.records import NOW, enqueued_task

NEWEST_FIRST = IndexQuery(index=DUE, newest_first=True)
MOST_UNITS, TOGETHER = 85, 32
# A walk that takes more pages goes in circles.
MOST_PAGES = 200
ID = f"{7:032x}"


class TimedListing(MeteredListing):
    """Counts calls and round trips, too."""

    def __init__(self, store):
        super().__init__(store)
        self.time = VirtualTime()

    @property
    def trips(self):
        return round(self.time.seconds / CALL_SECONDS)

    def begin_query(self, query, *arguments):
        return self.time.begin("Query", super().begin_query(query, *arguments))

    def get_many(self, ids):
        return self.time.begin("BatchGetItem", partial(super().get_many, ids))()


def fill(store, entries):
    """Add a record for each pair of a partition and an instant in microseconds."""
    like = initial_item(enqueued_task(ID, name="shop.invoices.tasks.send_invoice", owner="user:1234567"))
    for number, (due_shard, due_at) in enumerate(entries):
        task_id = f"{number:032x}"
        store.records[task_id] = {**like, "id": task_id, "due_shard": due_shard, "due_at": due_at}


def walk(listing, query, numbers, shares):
    """Yield the ids of each page."""
    start = None
    for _ in range(MOST_PAGES):
        entries, start = first_entries(listing, query, numbers, shares, start)
        yield [entry.id for entry in entries]
        if start is None:
            return
        text = encode_cursor(start, len(numbers))
        start = decode_cursor(text, len(numbers), query)
        assert encode_cursor(start, len(numbers)) == text


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(0, 120),
    used=st.integers(1, 9),
    instants=st.sampled_from([1, 3, 50, 10**6]),
    share=st.integers(1, 10),
    named=st.sampled_from([None, 2, 15]),
)
def test_pages_have_every_entry_once_newest_first_and_are_full(
    monkeypatch, seed, count, used, instants, share, named
):
    """Few partitions may have all entries, many entries may be of one instant, and a filter may match few."""
    monkeypatch.setattr(index_pages, "PAGE_SIZE", 10)
    monkeypatch.setattr(index_pages, "MOST_LOOKED_AT", 40)
    monkeypatch.setattr(index_pages, "MOST_ROUNDS", 12)
    random, store = Random(seed), MemoryStore()
    fill(store, [(random.randrange(used), random.randrange(instants)) for _ in range(count)])
    query = NEWEST_FIRST
    if named is not None:
        query = IndexQuery(index=DUE, newest_first=True, matching={"name": "wanted"})
        for number, record in enumerate(store.records.values()):
            record["name"] = "wanted" if number % named == 0 else "other"
    expected = {
        task_id for task_id, record in store.records.items() if named is None or record["name"] == "wanted"
    }

    pages = list(walk(MemoryListing(store), query, range(9), [share] * 9))

    shown = [task_id for page in pages for task_id in page]
    assert len(shown) == len(expected)
    assert set(shown) == expected
    instants_shown = [store.records[task_id]["due_at"] for task_id in shown]
    assert instants_shown == sorted(instants_shown, reverse=True)
    if named is None:
        assert {len(page) for page in pages[:-1]} <= {10}


def test_a_cursor_is_short_and_survives_an_address():
    place = Place(to_micros(NOW), 129, ID)

    text = encode_cursor(place, 130)

    assert decode_cursor(text, 130, NEWEST_FIRST) == place
    assert len(text) <= 60
    assert text.isascii()
    assert decode_cursor(text, 131, NEWEST_FIRST) is None, "the list has other partitions now"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "66",
        f"66.66.1.{ID}",
        f"66.-1.1.{ID}",
        f"65.1.1.{ID}",
        f"66.1.-1.{ID}",
        f"66.1.1.5.{ID}",
        f"66.1.{3 * 10**17}.{ID}",
        f"66.1.{'9' * 5_000}.{ID}",
        f"66.1.١.{ID}",
        f"66.1.1.{'A' * 32}",
        "66.1.1.b:" + "0" * 30,
        f"66.1.1.{ID}\n",
        "WzEsMl0",
    ],
)
def test_a_cursor_that_nobody_encoded_is_the_beginning(text):
    assert decode_cursor(text, 66, NEWEST_FIRST) is None


def test_a_cursor_outside_the_times_of_the_filter_is_the_beginning():
    """AWS refuses to continue at a key that the query can't return."""
    query = IndexQuery(index=DUE, newest_first=True, since=from_micros(10), until=from_micros(20))

    places = [decode_cursor(f"2.0.{micros}.{ID}", 2, query) for micros in (9, 10, 20, 21)]

    assert places == [None, Place(10, 0, ID), Place(20, 0, ID), None]


@pytest.fixture
def board(ours, settings, monkeypatch):
    """Return a function that reads the first page of a list of a stack with so many shards."""

    def read(store, slug, shards, **task_filter):
        with_shards = {**settings.TASKS["default"]["OPTIONS"], "shards": shards}
        settings.TASKS = {"default": {**settings.TASKS["default"], "OPTIONS": with_shards}}
        options, listing = configured()["default"], TimedListing(store)
        monkeypatch.setattr(paging, "listing_of", lambda options: listing)
        task_list = next(choice for choice in lists(options) if choice.slug == slug)
        page = paging.read_page(options, paging.TaskFilter(task_list=task_list, **task_filter))
        return page, listing, len(task_list.partitions(options))

    return read


# A list, the band of its records, and how many shards a stack writes to.
LISTS = [("underway", Band.RESCUE, 32), ("deferred", Band.DEFERRED, 32), ("underway", Band.RESCUE, 64)]


@pytest.mark.parametrize(("slug", "band", "shards"), LISTS)
@pytest.mark.parametrize("records", [1_000, 3_000])
def test_a_page_of_many_shards_takes_few_round_trips_and_read_units(board, slug, band, shards, records):
    store, random = MemoryStore(), Random(7)
    fill(store, [(partition(band, random.getrandbits(16), shards), number) for number in range(records)])

    page, listing, asked = board(store, slug, shards)

    assert [record.enqueued.id for record, _ in page.records] == [
        f"{number:032x}" for number in range(records - 1, records - 101, -1)
    ]
    assert page.cursor
    assert listing.trips <= math.ceil(asked / TOGETHER) + 1
    assert listing.units <= MOST_UNITS


@pytest.mark.parametrize("old", [0.1, 0.5, 1.0])
def test_a_page_with_tasks_in_the_partitions_of_earlier_releases_is_right(board, old):
    store, random = MemoryStore(), Random(7)
    numbers = [
        random.randrange(2) if random.random() < old else partition(Band.RESCUE, random.getrandbits(16), 32)
        for _ in range(2_000)
    ]
    fill(store, [(number, micros) for micros, number in enumerate(numbers)])

    page, listing, asked = board(store, "underway", 32)

    assert [record.enqueued.id for record, _ in page.records] == [
        f"{number:032x}" for number in range(1_999, 1_899, -1)
    ]
    # The old partitions are asked for little, so that a page on which they have much takes another round.
    assert listing.trips <= math.ceil(asked / TOGETHER) + 1 + 2
    assert listing.units <= MOST_UNITS + 3


UNFINISHED = [("underway", Band.RESCUE), ("deferred", Band.DEFERRED)]


@pytest.mark.parametrize(("slug", "band"), UNFINISHED)
@pytest.mark.parametrize("shards", [1, 2, 3, 4, 5, 6, 8, 32, 64])
def test_a_page_of_any_number_of_shards_takes_few_read_units(board, slug, band, shards):
    store, random = MemoryStore(), Random(7)
    fill(store, [(partition(band, random.getrandbits(16), shards), number) for number in range(2_000)])

    page, listing, asked = board(store, slug, shards)

    in_list = slug == "underway" or shards > 2
    assert len(page.records) == (100 if in_list else 0), "up to 2 shards, deferred tasks are under way"
    assert asked == (66 if slug == "underway" else 64)
    assert listing.units <= MOST_UNITS


@pytest.mark.parametrize(("slug", "band"), UNFINISHED)
@pytest.mark.parametrize(("before", "shards"), [(2, 32), (32, 2), (64, 1), (8, 64), (3, 2)])
def test_a_page_reads_little_more_after_a_change_of_shards(board, slug, band, before, shards):
    """Half of the tasks are where the option put them that the stack had before."""
    store, random = MemoryStore(), Random(7)
    counts = [before if random.random() < 0.5 else shards for _ in range(2_000)]
    numbers = [partition(band, random.getrandbits(16), count) for count in counts]
    fill(store, [(number, micros) for micros, number in enumerate(numbers)])

    page, listing, _ = board(store, slug, shards)

    listed = partitions(band, old=slug == "underway")
    expected = [number for number in range(1_999, -1, -1) if numbers[number] in listed][:100]
    assert [record.enqueued.id for record, _ in page.records] == [f"{number:032x}" for number in expected]
    assert listing.units <= MOST_UNITS + 3


@pytest.mark.parametrize("shards", [1, 2, 3, 32])
def test_no_task_vanishes_after_the_option_was_lowered(board, shards):
    """OPTIONS["shards"] was 64. Both lists together have a task of each partition."""
    store, ids = MemoryStore(), []
    fill(store, [(number, number) for number in partitions(Band.RESCUE, Band.DEFERRED)])

    for slug in ("underway", "deferred"):
        page, _, _ = board(store, slug, shards)
        assert page.cursor == ""
        ids += [record.enqueued.id for record, _ in page.records]

    assert sorted(ids) == sorted(store.records)
    assert [choice.slug for choice in lists(configured()["default"])] == [
        *("underway", "deferred", "failed", "dead")
    ]


def test_every_task_that_has_not_ended_is_in_a_list_whatever_the_option(board, settings):
    every = {*partitions(Band.RESCUE, Band.DEFERRED)}
    for shards in (1, 2, 3, 8, 64):
        board(MemoryStore(), "underway", shards)
        options = configured()["default"]
        listed = [
            number for choice in lists(options) if choice.under_way for number in choice.partitions(options)
        ]
        assert sorted(listed) == sorted(every), shards


@pytest.mark.parametrize("records", [100, 2_000])
def test_a_page_of_the_default_takes_the_same_few_calls_however_many_records_there_are(board, records):
    store = MemoryStore()
    fill(store, [(number % 2, number) for number in range(records)])

    page, listing, asked = board(store, "underway", 2)

    assert listing.time.calls == {"Query": asked, "BatchGetItem": 1}
    assert listing.trips == math.ceil(asked / TOGETHER) + 1
    assert [record.enqueued.id for record, _ in page.records] == [
        f"{number:032x}" for number in range(records - 1, records - 101, -1)
    ]
    assert bool(page.cursor) == (records > 100)


@pytest.mark.parametrize("shards", [2, 32])
def test_a_filter_looks_at_so_many_entries_at_most(board, shards):
    store = MemoryStore()
    fill(store, [(partition(Band.RESCUE, number, shards), number) for number in range(12_000)])

    page, listing, asked = board(store, "underway", shards, matching={"name": "nowhere"})

    assert page.records == []
    assert page.cursor, "the page says that older tasks may match"
    assert page.reached is not None
    assert index_pages.MOST_LOOKED_AT - asked <= listing.looked_at <= index_pages.MOST_LOOKED_AT + asked


def test_a_million_tasks_of_one_instant_are_shown_page_by_page(board):
    """Deferred tasks that all start at nine are due at one instant."""
    store, due_at = MemoryStore(), to_micros(NOW + timedelta(hours=1))
    fill(store, [(partition(Band.DEFERRED, number, 32), due_at) for number in range(2_000)])

    page, listing, _ = board(store, "deferred", 32)

    assert len(page.records) == 100
    assert len(page.cursor) <= 60
    assert listing.units <= MOST_UNITS


def test_an_empty_list_has_one_page(board):
    page, listing, asked = board(MemoryStore(), FAILED_TASKS.slug, 32)

    assert (page.records, page.gone, page.reached, page.cursor) == ([], 0, None, "")
    assert listing.time.calls == {"Query": asked, "BatchGetItem": 1}


@pytest.mark.parametrize(("left_out", "calls", "read"), [(0, 1, 3), (1, 2, 3), (2, 2, 2)])
def test_records_that_a_busy_table_leaves_out_are_read_once_more(monkeypatch, left_out, calls, read):
    """DynamoDB leaves out the last key of the first `left_out` answers."""
    requests = []

    def batch_get_item(RequestItems):
        requests.append(keys := RequestItems["tasks"]["Keys"])
        whole = len(requests) > left_out
        left = {} if whole else {"tasks": {"Keys": keys[-1:]}}
        items = [{**key, "status": {"S": "READY"}} for key in (keys if whole else keys[:-1])]
        return {"Responses": {"tasks": items}, "UnprocessedKeys": left}

    gone = type("ResourceNotFoundException", (Exception,), {})
    aws = SimpleNamespace(
        batch_get_item=batch_get_item, exceptions=SimpleNamespace(ResourceNotFoundException=gone)
    )
    monkeypatch.setattr("django_offload.stores.dynamodb.client", lambda *names: aws)

    records = DynamoDBListing("default", "tasks").get_many(["c", "a", "b"])

    assert [record["id"] for record in records] == ["c", "a", "b"][:read]
    assert len(requests) == calls
    assert requests[1:] == [[{"id": {"S": "b"}, "part": {"S": "record"}}]][: calls - 1]
