"""Lists of records by an index: pages that neither miss nor repeat, in memory and in DynamoDB."""

import json
from datetime import timedelta

import pytest

from django_offload.conf import configured
from django_offload.protocol.transitions import succeed
from django_offload.stack.configured import template_of
from django_offload.stores import listing_of, store_of
from django_offload.stores.listing import DUE, EVER, HISTORY, MOST_READ, Wanted
from django_offload.stores.memory import MemoryStore
from django_offload.stores.memory_listing import MemoryListing
from tests.contract.records import NOW, TOKEN, TTL, claimed, enqueued_task, new_id
from tests.contract.setup import TASK_MODULES, tasks_setting

MINUTE = timedelta(minutes=1)
OLDEST_FIRST = Wanted(index=DUE, newest_first=False)


@pytest.fixture
def listing(store):
    if isinstance(store, MemoryStore):
        return MemoryListing(store)
    return listing_of(configured()["default"])


def walk(listing, wanted, partition=1, limit=2):
    """Return what every page holds, and how many pages there were."""
    found, after, pages = [], None, 0
    while True:
        part = listing.take(wanted, partition, after, limit)
        assert len(part.entries) <= limit
        found += [place.id for place in part.entries]
        pages += 1
        if part.more is None:
            return found, pages
        after = part.more


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_hold_every_record_once_even_those_of_one_instant(store, listing, newest_first):
    ids = [new_id(1) for _ in range(7)]
    for number, task_id in enumerate(ids):
        store.create(enqueued_task(task_id, enqueued_at=NOW + number // 4 * MINUTE))
    store.create(enqueued_task(new_id(0)))

    found, pages = walk(listing, Wanted(index=DUE, newest_first=newest_first))

    first, second = (set(ids[4:]), set(ids[:4])) if newest_first else (set(ids[:4]), set(ids[4:]))
    assert set(found[: len(first)]) == first
    assert set(found[len(first) :]) == second
    assert len(found) == 7
    assert pages >= 4


def test_what_was_taken_away_meanwhile_is_no_hindrance(store, listing):
    ids = [new_id(1) for _ in range(4)]
    for number, task_id in enumerate(ids):
        store.create(enqueued_task(task_id, enqueued_at=NOW + number * MINUTE))
    page = listing.take(OLDEST_FIRST, 1, None, 2)
    for change in (
        claimed(ids[1]),
        succeed(fence=1, token=TOKEN, now=NOW, result_ttl=TTL, stored={"result": "1"}),
    ):
        store.change(ids[1], change)

    rest = listing.take(OLDEST_FIRST, 1, page.more, 2)

    assert [place.id for place in rest.entries] == ids[2:]


def test_only_what_matches_is_listed(store, listing):
    wanted = enqueued_task(new_id(1), queue="reports", owner="user:1")
    for enqueued in (
        wanted,
        enqueued_task(new_id(1), queue="reports", owner="user:2"),
        enqueued_task(new_id(1), owner="user:1"),
        enqueued_task(new_id(1), queue="reports", owner="user:1", name="other"),
        enqueued_task(new_id(1), queue="reports", owner="user:1", enqueued_at=NOW - 9 * MINUTE),
    ):
        store.create(enqueued)
    matching = {"queue": "reports", "owner": "user:1", "name": wanted.name}

    found, _ = walk(
        listing,
        Wanted(index=DUE, newest_first=False, matching=matching, enqueued=(NOW - 5 * MINUTE, EVER)),
    )

    assert found == [wanted.id]


def test_only_what_is_within_the_time_is_listed(store, listing):
    ids = [new_id(1) for _ in range(4)]
    for number, task_id in enumerate(ids):
        store.create(enqueued_task(task_id, enqueued_at=NOW + number * MINUTE))
    start = NOW + 5 * MINUTE

    found, _ = walk(
        listing, Wanted(index=DUE, newest_first=False, since=start + MINUTE, until=start + 2 * MINUTE)
    )

    assert found == ids[1:3]


def test_many_records_are_read_at_once_in_their_order_without_those_that_are_gone(store, listing):
    ids = [new_id() for _ in range(3)]
    for task_id in ids:
        store.create(enqueued_task(task_id))

    found = listing.read([ids[2], new_id(), ids[0]])

    assert found == [store.get(ids[2]), store.get(ids[0])]
    assert listing.read([]) == []


def test_more_than_one_call_takes_are_refused(offload_aws):
    with pytest.raises(ValueError, match="at most 100 at a time"):
        listing_of(configured()["default"]).read([new_id()] * (MOST_READ + 1))


@pytest.fixture
def kept(offload_aws, settings):
    """A table as the template makes it where OPTIONS ask for the index of all records."""
    settings.TASKS = tasks_setting(modules=TASK_MODULES, stack="kept", history=True)
    said = json.loads(template_of("kept", as_json=True))["Resources"]["Table"]["Properties"]
    wanted = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    dynamodb = offload_aws.client("dynamodb")
    dynamodb.create_table(**{key: said[key] for key in wanted})
    yield configured()["default"]
    dynamodb.delete_table(TableName=said["TableName"])


def test_the_history_lists_what_has_ended_too_where_options_ask_for_it(kept):
    store, ended, other = store_of(kept), new_id(), new_id()
    store.create(enqueued_task(other, alias="other"))
    for change in (
        claimed(ended),
        succeed(fence=1, token=TOKEN, now=NOW, result_ttl=TTL, stored={"result": "1"}),
    ):
        store.change(ended, change)

    found, _ = walk(listing_of(kept), Wanted(index=HISTORY, newest_first=True), "default")

    assert found == [ended]
