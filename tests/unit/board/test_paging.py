"""Pages merge partitions: no page has a newer entry than the one before, and each makes few calls."""

from base64 import urlsafe_b64encode
from types import SimpleNamespace

import pytest

from django_offload.board import paging
from django_offload.board.lists import FAILED_TASKS, UNDER_WAY
from django_offload.board.paging import END, decode_cursor, encode_cursor
from django_offload.conf import configured
from django_offload.protocol.record import initial_item
from django_offload.stores import listing_of
from django_offload.stores.dynamodb_listing import DynamoDBListing
from django_offload.stores.listing import IndexEntry, IndexPage
from tests.contract.records import enqueued_task, new_id

MOST_CALLS = 3


def place(micros):
    return IndexEntry(micros, f"{micros:032x}")


def test_an_entry_older_than_another_partitions_last_one_waits_for_the_next_page():
    looked_through = IndexPage(entries=[place(90), place(20)], more=place(20))
    sparse = IndexPage(entries=[place(80)], more=place(50))

    taken, rest = paging.merge([looked_through, sparse], [None, None])

    assert taken == [place(90), place(80)]
    assert rest == [place(90), place(50)]


def test_a_partition_without_matches_continues_after_the_last_entry_read():
    taken, rest = paging.merge([IndexPage(entries=[], more=place(50)), None], [None, END])

    assert taken == []
    assert rest == [place(50), END]


def test_the_last_page_ends_every_partition():
    taken, rest = paging.merge([IndexPage(entries=[place(2)], more=None), None], [place(5), END])

    assert taken == [place(2)]
    assert rest == [END, END]


def test_a_cursor_survives_an_address():
    cursor = [None, END, place(1_764_000_000_000_000)]

    assert decode_cursor(encode_cursor(cursor), 3) == cursor
    assert decode_cursor(encode_cursor(cursor), 2) == [None, None]
    assert encode_cursor(cursor).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[" * 60_000,
        "[[1e400,1],null]",
        "[[" + "9" * 5_000 + ",1],null]",
        "[[NaN,1],null]",
        "[[]]",
        '[[1,""],null]',
        '[[1,"\\ud800"],null]',
        '[["1","00000000000000000000000000000001"],null]',
        '[[253402300800000001,"00000000000000000000000000000001"],null]',
        "{}",
        "7",
    ],
    ids=[
        "cut",
        "deep",
        "infinite",
        "long",
        "not a number",
        "empty",
        "no id",
        "another id",
        "text",
        "beyond all time",
        "an object",
        "a number",
    ],
)
def test_a_cursor_that_nobody_encoded_is_the_beginning(text):
    assert decode_cursor(urlsafe_b64encode(text.encode()).decode(), 2) == [None, None]


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


@pytest.mark.parametrize("records", [100, 2_000])
def test_a_page_takes_the_same_few_calls_however_many_records_there_are(ours, store, monkeypatch, records):
    options = configured()["default"]
    like = initial_item(enqueued_task(new_id()))
    for number in range(records):
        task_id = f"{number:032x}"
        store.records[task_id] = {**like, "id": task_id, "due_shard": number % 2, "due_at": number}
    listing = Counting(listing_of(options))
    monkeypatch.setattr(paging, "listing_of", lambda options: listing)

    page = paging.read_page(options, paging.TaskFilter(task_list=UNDER_WAY))

    assert listing.calls <= MOST_CALLS
    assert [record.enqueued.id for record, _ in page.records] == [
        f"{number:032x}" for number in range(records - 1, records - 101, -1)
    ]
    assert bool(page.cursor) == (records > 100)


def test_an_empty_list_has_one_page(ours, store):
    page = paging.read_page(configured()["default"], paging.TaskFilter(task_list=FAILED_TASKS))

    assert (page.records, page.gone, page.reached, page.cursor) == ([], 0, None, "")


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
    monkeypatch.setattr("django_offload.stores.dynamodb_listing.client", lambda name: aws)

    records = DynamoDBListing("default", "tasks").get_many(["c", "a", "b"])

    assert [record["id"] for record in records] == ["c", "a", "b"][:read]
    assert len(requests) == calls
    assert requests[1:] == [[{"id": {"S": "b"}, "part": {"S": "record"}}]][: calls - 1]
