"""Lists of records from an index: pages neither miss nor repeat a record, in memory and in DynamoDB."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from django_offload.conf import configured
from django_offload.protocol.record import initial_item
from django_offload.protocol.shards import history_partitions
from django_offload.protocol.transitions import succeed
from django_offload.sending.enqueue import ensure_record
from django_offload.stack.configured import template_of
from django_offload.stores import listing_of, store_of
from django_offload.stores.listing import DUE, EVER, HISTORY, MOST_READ, SHARDED_HISTORY, IndexQuery
from django_offload.stores.memory import MemoryStore
from django_offload.stores.memory_listing import MemoryListing
from tests.contract.records import NOW, TOKEN, TTL, claimed, create_record, enqueued_task, new_id
from tests.contract.setup import TASK_MODULES, tasks_setting
from tests.unit.stack.evaluate import Evaluated

MINUTE = timedelta(minutes=1)
OLDEST_FIRST = IndexQuery(index=DUE, newest_first=False)


@pytest.fixture
def listing(store):
    if isinstance(store, MemoryStore):
        return MemoryListing(store)
    return listing_of(configured()["default"])


def walk(listing, query, partition=1, limit=2):
    """Return the ids on all pages, and the number of pages."""
    listed, after, pages = [], None, 0
    while True:
        page = listing.query(query, partition, after, limit)
        assert len(page.entries) <= limit
        listed += [entry.id for entry in page.entries]
        pages += 1
        if page.more is None:
            return listed, pages
        after = page.more


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_contain_every_record_once_even_those_of_one_instant(store, listing, newest_first):
    ids = [new_id(1) for _ in range(7)]
    for number, task_id in enumerate(ids):
        create_record(store, enqueued_task(task_id, enqueued_at=NOW + number // 4 * MINUTE))
    create_record(store, enqueued_task(new_id(0)))

    listed, pages = walk(listing, IndexQuery(index=DUE, newest_first=newest_first))

    first, second = (set(ids[4:]), set(ids[:4])) if newest_first else (set(ids[:4]), set(ids[4:]))
    assert set(listed[: len(first)]) == first
    assert set(listed[len(first) :]) == second
    assert len(listed) == 7
    assert pages >= 4


def test_a_page_continues_after_an_entry_that_has_left_the_index(store, listing):
    ids = [new_id(1) for _ in range(4)]
    for number, task_id in enumerate(ids):
        create_record(store, enqueued_task(task_id, enqueued_at=NOW + number * MINUTE))
    page = listing.query(OLDEST_FIRST, 1, None, 2)
    for change in (
        claimed(ids[1]),
        succeed(fence=1, token=TOKEN, now=NOW, result_ttl=TTL, stored={"result": "1"}),
    ):
        store.change(ids[1], change)

    rest = listing.query(OLDEST_FIRST, 1, page.more, 2)

    assert [entry.id for entry in rest.entries] == ids[2:]


def test_only_matching_records_are_listed(store, listing):
    match = enqueued_task(new_id(1), queue="reports", owner="user:1")
    for enqueued in (
        match,
        enqueued_task(new_id(1), queue="reports", owner="user:2"),
        enqueued_task(new_id(1), owner="user:1"),
        enqueued_task(new_id(1), queue="reports", owner="user:1", name="other"),
        enqueued_task(new_id(1), queue="reports", owner="user:1", enqueued_at=NOW - 9 * MINUTE),
    ):
        create_record(store, enqueued)
    matching = {"queue": "reports", "owner": "user:1", "name": match.name}

    listed, _ = walk(
        listing,
        IndexQuery(index=DUE, newest_first=False, matching=matching, enqueued=(NOW - 5 * MINUTE, EVER)),
    )

    assert listed == [match.id]


def test_an_entry_that_says_no_tenant_is_listed_because_its_index_may_be_of_an_earlier_release(
    store, listing
):
    mine, plain = (enqueued_task(new_id(1), tenant=tenant) for tenant in ("customer-7", None))
    for enqueued in (mine, plain, enqueued_task(new_id(1), tenant="customer-8")):
        create_record(store, enqueued)

    listed, _ = walk(listing, IndexQuery(index=DUE, newest_first=False, matching={"tenant": "customer-7"}))

    assert sorted(listed) == sorted([mine.id, plain.id])


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_filter_looks_at_so_many_entries_and_continues_after_the_last_one(store, listing, newest_first):
    ids = [new_id(1) for _ in range(9)]
    for number, task_id in enumerate(ids):
        queue = "reports" if number in (1, 7) else "default"
        create_record(store, enqueued_task(task_id, queue=queue, enqueued_at=NOW + number * MINUTE))
    query = IndexQuery(index=DUE, newest_first=newest_first, matching={"queue": "reports"})
    expected = [ids[7], ids[1]] if newest_first else [ids[1], ids[7]]

    found, looked_at, after = [], [], None
    while not looked_at or after:
        page = listing.begin_query(query, 1, after, 100, 4)()
        found += [entry.id for entry in page.entries]
        looked_at.append(page.looked_at)
        after = page.more

    assert found == expected
    assert sum(looked_at) == 9
    assert max(looked_at) == 4


def test_without_a_filter_so_many_entries_are_read_as_are_wanted(store, listing):
    for number in range(5):
        create_record(store, enqueued_task(new_id(1), enqueued_at=NOW + number * MINUTE))

    page = listing.begin_query(OLDEST_FIRST, 1, None, 3, 100)()

    assert (len(page.entries), page.looked_at) == (3, 3)


def test_only_records_in_the_range_of_time_are_listed(store, listing):
    ids = [new_id(1) for _ in range(4)]
    for number, task_id in enumerate(ids):
        create_record(store, enqueued_task(task_id, enqueued_at=NOW + number * MINUTE))
    start = NOW + 5 * MINUTE

    listed, _ = walk(
        listing, IndexQuery(index=DUE, newest_first=False, since=start + MINUTE, until=start + 2 * MINUTE)
    )

    assert listed == ids[1:3]


def test_get_many_returns_existing_records_in_the_order_of_the_ids(store, listing):
    ids = [new_id() for _ in range(3)]
    for task_id in ids:
        create_record(store, enqueued_task(task_id))

    records = listing.get_many([ids[2], new_id(), ids[0]])

    assert records == [store.get(ids[2]), store.get(ids[0])]
    assert listing.get_many([ids[0], ids[0]]) == [store.get(ids[0])] * 2
    assert listing.get_many([]) == []


def test_get_many_refuses_more_ids_than_one_call_takes(offload_aws):
    with pytest.raises(ValueError, match="Read at most 100 at a time"):
        listing_of(configured()["default"]).get_many([new_id()] * (MOST_READ + 1))


@pytest.fixture
def history_options(offload_aws, settings):
    """Create a table as the template does with both indexes of all records, and return the options."""
    settings.TASKS = tasks_setting(modules=TASK_MODULES, stack="kept", history="both", shards=32)
    template = Evaluated(json.loads(template_of("kept", as_json=True)), WideIndexes="true")
    properties = template.resources["Table"]["Properties"]
    arguments = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    dynamodb = offload_aws.client("dynamodb")
    dynamodb.create_table(**{key: properties[key] for key in arguments})
    yield configured()["default"]
    dynamodb.delete_table(TableName=properties["TableName"])


def listed_everywhere(options, alias):
    """Return what each index of all records lists of an alias, newest first."""
    listing, shards = listing_of(options), history_partitions(alias, store_of(options).read_shards)
    older, _ = walk(listing, IndexQuery(index=HISTORY, newest_first=True), alias)
    newer = [
        walk(listing, IndexQuery(index=SHARDED_HISTORY, newest_first=True), shard, limit=1)[0]
        for shard in shards
    ]
    return older, newer


def test_the_history_contains_finished_records(history_options):
    store, ended, other = store_of(history_options), new_id(), new_id()
    create_record(store, enqueued_task(other, alias="other"))
    for change in (
        claimed(ended),
        succeed(fence=1, token=TOKEN, now=NOW, result_ttl=TTL, stored={"result": "1"}),
    ):
        store.change(ended, change)

    assert listed_everywhere(history_options, "default") == ([ended], [[], [], [], []])


def test_the_sharded_history_contains_each_record_that_was_written_for_it(history_options):
    store, ids = store_of(history_options), [f"{number:032x}" for number in range(9)]
    shards = store.shards(history_options)
    create_record(
        store, enqueued_task("f" * 32, enqueued_at=NOW - MINUTE)
    )  # By a process with older settings.
    for number, task_id in enumerate(ids):
        enqueued = enqueued_task(task_id, enqueued_at=NOW + number * MINUTE)
        if number < 6:
            ensure_record(store, enqueued, history_options)
        else:  # A worker whose message comes before its record.
            store.change(
                task_id, replace(claimed(task_id), set_if_absent=initial_item(enqueued, shards, listed=True))
            )
    store.change(ids[8], succeed(fence=1, token=TOKEN, now=NOW, result_ttl=TTL, stored={"result": "1"}))

    older, newer = listed_everywhere(history_options, "default")

    assert older == [*reversed(ids), "f" * 32]
    assert newer == [[ids[8], ids[4], ids[0]], [ids[5], ids[1]], [ids[6], ids[2]], [ids[7], ids[3]]]
    assert listed_everywhere(history_options, "other") == ([], [[], [], [], []])
