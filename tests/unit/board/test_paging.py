"""Pages over partitions: nothing newer than a page is on the next one, and each takes few calls."""

from types import SimpleNamespace

import pytest

from django_offload.board import paging
from django_offload.board.lists import FAILED_TASKS, UNDER_WAY
from django_offload.board.places import END, decoded, encoded
from django_offload.conf import configured
from django_offload.protocol.record import initial_item
from django_offload.stores import listing_of
from django_offload.stores.dynamodb_listing import DynamoDBListing
from django_offload.stores.listing import IndexEntry, IndexPage
from tests.contract.records import enqueued_task, new_id

MOST_CALLS = 3


def place(micros):
    return IndexEntry(micros, f"{micros:032x}")


def test_what_is_older_than_a_partition_was_looked_through_waits_for_the_next_page():
    looked_through = IndexPage(entries=[place(90), place(20)], more=place(20))
    sparse = IndexPage(entries=[place(80)], more=place(50))

    taken, rest = paging._merged([looked_through, sparse], [None, None])

    assert taken == [place(90), place(80)]
    assert rest == [place(90), place(50)]


def test_a_partition_where_nothing_matches_goes_on_behind_what_was_looked_through():
    taken, rest = paging._merged([IndexPage(entries=[], more=place(50)), None], [None, END])

    assert taken == []
    assert rest == [place(50), END]


def test_the_last_page_ends_every_partition():
    taken, rest = paging._merged([IndexPage(entries=[place(2)], more=None), None], [place(5), END])

    assert taken == [place(2)]
    assert rest == [END, END]


def test_places_are_the_same_after_a_journey_in_an_address():
    places = [None, END, place(1_764_000_000_000_000)]

    assert decoded(encoded(places), 3) == places
    assert decoded(encoded(places), 2) == [None, None]
    assert encoded(places).isascii()


class Counting:
    """A listing whose calls are counted."""

    def __init__(self, listing):
        self._listing, self.calls = listing, 0

    def query(self, *arguments):
        self.calls += 1
        return self._listing.query(*arguments)

    def get_many(self, ids):
        self.calls += 1
        return self._listing.get_many(ids)


@pytest.mark.parametrize("records", [100, 100_000])
def test_a_page_takes_the_same_few_calls_however_many_records_there_are(ours, store, monkeypatch, records):
    options = configured()["default"]
    like = initial_item(enqueued_task(new_id()))
    for number in range(records):
        task_id = f"{number:032x}"
        store.records[task_id] = {**like, "id": task_id, "due_shard": number % 2, "due_at": number}
    listing = Counting(listing_of(options))
    monkeypatch.setattr(paging, "listing_of", lambda options: listing)

    found = paging.page(options, paging.Choice(of=UNDER_WAY))

    assert listing.calls <= MOST_CALLS
    assert [record.enqueued.id for record, _ in found.records] == [
        f"{number:032x}" for number in range(records - 1, records - 101, -1)
    ]
    assert bool(found.more) == (records > 100)


def test_an_empty_list_has_one_page(ours, store):
    found = paging.page(configured()["default"], paging.Choice(of=FAILED_TASKS))

    assert (found.records, found.looked_at, found.gone, found.more) == ([], 0, 0, "")


@pytest.mark.parametrize(("left_out", "calls", "read"), [(0, 1, 3), (1, 2, 3), (2, 2, 2)])
def test_what_a_busy_table_leaves_out_is_asked_for_once_more(monkeypatch, left_out, calls, read):
    """DynamoDB leaves out the last key of so many answers."""
    asked = []

    def batch_get_item(RequestItems):
        asked.append(keys := RequestItems["tasks"]["Keys"])
        whole = len(asked) > left_out
        left = {} if whole else {"tasks": {"Keys": keys[-1:]}}
        items = [{**key, "status": {"S": "READY"}} for key in (keys if whole else keys[:-1])]
        return {"Responses": {"tasks": items}, "UnprocessedKeys": left}

    gone = type("ResourceNotFoundException", (Exception,), {})
    aws = SimpleNamespace(
        batch_get_item=batch_get_item, exceptions=SimpleNamespace(ResourceNotFoundException=gone)
    )
    monkeypatch.setattr("django_offload.stores.dynamodb_listing.client", lambda name: aws)

    found = DynamoDBListing("default", "tasks").get_many(["c", "a", "b"])

    assert [record["id"] for record in found] == ["c", "a", "b"][:read]
    assert len(asked) == calls
    assert asked[1:] == [[{"id": {"S": "b"}, "part": {"S": "record"}}]][: calls - 1]
