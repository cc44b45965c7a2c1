"""Whatever stands in an address of the board, the answer is no error of the server."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_offload.board.paging import END, decode_cursor
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
CURSORS = (JSON | st.lists(PLACES, max_size=3)).map(
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
def test_a_cursor_has_a_place_of_the_index_for_each_partition(text, partitions):
    cursor = decode_cursor(text, partitions)

    assert len(cursor) == partitions
    for place in cursor:
        assert place in (None, END) or (from_micros(place.micros) <= EVER and len(place.id) == 32)


@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "America/New_York"])
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(after=CURSORS | VALUES, query=st.dictionaries(KEYS, VALUES, max_size=3))
@example(after="WzFd", query={"since": "0001-01-01T00:00", "until": "9999-12-31T23:59"})
@example(after=urlsafe_b64encode(b'[[253402300800000000000,"0"],null]').decode(), query={})
@example(after=urlsafe_b64encode(b'[[1,""],[1,""]]').decode(), query={})
def test_no_address_is_an_error_of_the_server(ada, store, settings, time_zone, after, query):
    settings.TIME_ZONE = time_zone
    if not store.records:
        store.create(enqueued_task(new_id()))

    answer = ada.see(**{"list": "underway", "after": after, **query})

    assert answer.status_code < 500
