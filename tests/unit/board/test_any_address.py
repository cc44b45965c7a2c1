"""Whatever stands in an address of the board, the answer is no error of the server."""

import pytest
from django.contrib.admin import site
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_offload.board.paging import decode_cursor
from django_offload.models import Task
from django_offload.protocol.enqueued_task import is_id
from django_offload.protocol.json_codec import EPOCH, from_micros
from django_offload.stores.listing import DUE, EVER, IndexQuery
from tests.contract.records import create_record, enqueued_task, new_id

# What looks like a cursor, with any numbers and any id.
NUMBERS = st.integers(-1, 3) | st.integers() | st.sampled_from([10**16, 253402300800000000, "١", "", "1e3"])
IDS = st.sampled_from(["0" * 32, "A" * 32, "0" * 31, "b:" + "0" * 30, ""]) | st.text(max_size=3)
CURSORS = st.tuples(NUMBERS, NUMBERS, NUMBERS, IDS).map(lambda parts: ".".join(map(str, parts)))
WORDS = st.sampled_from(
    ["all", "failed", "dead", "0001-01-01T00:00", "9999-12-31T23:59", "\x00", "x" * 3_000]
)
VALUES = WORDS | st.text(max_size=8) | CURSORS
KEYS = st.sampled_from(
    ["after", "list", "since", "until", "stack", "state", "queue", "name", "owner", "alias"]
)


@settings(max_examples=1_000)
@given(text=CURSORS | VALUES, partitions=st.integers(1, 3))
@example(text=f"3.2.0.{'0' * 32}", partitions=3)
def test_a_cursor_is_the_beginning_or_a_place_of_the_index(text, partitions):
    place = decode_cursor(text, partitions, IndexQuery(index=DUE, newest_first=True))

    if place is not None:
        assert 0 <= place.position < partitions
        assert EPOCH <= from_micros(place.micros) <= EVER
        assert is_id(place.id)


@pytest.fixture
def see(ada, store):
    """Return a function that shows the lists to Ada, without what comes before the view of the board."""
    create_record(store, enqueued_task(new_id()))
    board, requests = site.get_model_admin(Task), RequestFactory()

    def see(query):
        request = requests.get("/admin/django_offload/task/", query)
        request.user, request.session = ada.user, {}
        request._messages = CookieStorage(request)
        return board.changelist_view(request)

    return see


@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "America/New_York"])
@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(after=CURSORS | VALUES, query=st.dictionaries(KEYS, VALUES, max_size=3), number=st.integers(0, 24))
@example(after="WzFd", query={"since": "0001-01-01T00:00", "until": "9999-12-31T23:59"}, number=0)
@example(after=f"130.0.0.{'0' * 32}", query={}, number=0)
@example(after=f"130.129.253402300799999999.{'0' * 32}", query={}, number=0)
@example(after=f"66.1.5.{'0' * 32}", query={"list": "failed", "since": "2026-01-01T00:00"}, number=0)
def test_no_address_is_an_error_of_the_server(see, settings, time_zone, after, query, number):
    settings.TIME_ZONE = time_zone

    answer = see({"list": "underway", "after": after, **query})

    assert answer.status_code < 500
    if number == 0 and answer.status_code == 200:  # To draw each page would take a minute.
        answer.render()


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"]
IDS = st.sampled_from(
    ["0" * 32, "f" * 32, "0" * 31, "G" * 32, "../" * 4, "%00", "%FF", "%ED%A0%80", "x" * 900]
)
PAGES = ["{}/change/", "{}/", "{}/history/", "{}/delete/", "act/", "queues/", "unreadable/", "", "add/", "{}"]
BODIES = [
    *(b"", b"\xff", b"action=cancel", b"action=cancel&id=1", b"action=nope&id=" + b"0" * 32),
    *(b"action=redrive&confirmed=yes&id=" + b"0" * 32, b"id=%00&action=%ED%A0%80", b"confirmed=yes"),
    *(b"action=discard&id=" + b"f" * 32 + b"&stack=nowhere&next=//evil", b"{"),
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    method=st.sampled_from(METHODS),
    page=st.sampled_from(PAGES),
    task_id=IDS,
    body=st.sampled_from(BODIES),
    content_type=st.sampled_from(
        ["", "application/x-www-form-urlencoded", "application/json", "a;b=c", "\xe9"]
    ),
)
def test_no_request_to_the_board_is_an_error_of_the_server(ada, method, page, task_id, body, content_type):
    address = f"/admin/django_offload/task/{page.format(task_id)}"

    answer = ada.client.generic(method, address, body, content_type=content_type)

    assert answer.status_code < 500
