"""Whatever stands in an address of the board, the answer is no error of the server."""

import json
from base64 import urlsafe_b64encode

import pytest
from django.contrib.admin import site
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_offload.board.paging import END, decode_cursor
from django_offload.models import Task
from django_offload.protocol.json_codec import from_micros
from django_offload.stores.listing import EVER
from tests.contract.records import enqueued_task, new_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
# What looks like a cursor, with any number and any id.
PLACES = st.none() | st.tuples(st.integers() | st.just(10**16), st.text(max_size=3) | st.just("0" * 32))
# A place with any type where a number or an id belongs.
ODD_PLACES = st.tuples(JSON, st.just("0" * 32)) | st.tuples(st.integers(0, 9), JSON)
CURSORS = (JSON | st.lists(PLACES | ODD_PLACES, max_size=3)).map(
    lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode()
)
WORDS = st.sampled_from(
    ["all", "failed", "dead", "0001-01-01T00:00", "9999-12-31T23:59", "\x00", "x" * 3_000]
)
VALUES = WORDS | st.text(max_size=8) | CURSORS
KEYS = st.sampled_from(
    ["after", "list", "since", "until", "stack", "state", "queue", "name", "owner", "alias"]
)


@settings(max_examples=1_000)
@given(text=CURSORS | VALUES, partitions=st.integers(1, 3))
@example(text=urlsafe_b64encode(b'[[true,"00000000000000000000000000000000"]]').decode(), partitions=1)
@example(text=urlsafe_b64encode(b'[[-1.0,""]]').decode(), partitions=1)
def test_a_cursor_has_a_place_of_the_index_for_each_partition(text, partitions):
    cursor = decode_cursor(text, partitions)

    assert len(cursor) == partitions
    for place in cursor:
        assert place in (None, END) or type(place.micros) is int
        assert place in (None, END) or (from_micros(place.micros) <= EVER and len(place.id) == 32)


@pytest.fixture
def see(ada, store):
    """Return a function that shows the lists to Ada, without what comes before the view of the board."""
    store.create(enqueued_task(new_id()))
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
@example(after=urlsafe_b64encode(b'[[253402300800000000000,"0"],null]').decode(), query={}, number=0)
@example(after=urlsafe_b64encode(b'[[1,""],[1,""]]').decode(), query={}, number=0)
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
