"""A record stays within its first KB until it ends, so that each write bills one unit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_offload.protocol.enqueued_task import EnqueuedTask, Reference
from django_offload.protocol.json_codec import dump
from django_offload.protocol.record import initial_item
from django_offload.protocol.record_size import (
    INITIAL_TEXT_BYTES,
    INLINE_ARGUMENTS_BYTES,
    MARGIN_BYTES,
    UNIT_BYTES,
    fits_inline,
    free_bytes,
    truncate,
)
from django_offload.protocol.shards import READ_SHARDS
from django_offload.protocol.transitions import claim, release, report
from django_offload.stores.dynamodb import attribute
from tests.write_units import item_size

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
OWNER, TRACE = "session:" + "f" * 64, f"00-{'a' * 32}-{'b' * 16}-01"
TOKEN = "0123456789abcdef"
LARGEST = 300_000  # Of arguments that are not in the bucket.

NAME = st.integers(1, 250).map(lambda length: ("shop.orders.tasks." + "n" * length)[:length])
TEXT = st.one_of(
    st.just(""),
    st.text(max_size=200),
    st.integers(0, 200).map(lambda length: "x" * length),
    st.integers(0, 200).map(lambda length: "\N{GRINNING FACE}" * length),
)
PROGRESS = st.fixed_dictionaries(
    {"done": st.integers(0, 10**9), "total": st.none() | st.integers(1, 10**9), "message": TEXT}
)
ERROR = st.fixed_dictionaries({"class": st.just("shop.errors.PaymentRefused"), "message": TEXT})
ENQUEUED_TASKS = st.builds(
    EnqueuedTask,
    id=st.just("0" * 32),
    alias=st.sampled_from(["default", "background-tasks"]),
    name=NAME,
    queue=st.sampled_from(["default", "q" * 30]),
    arguments=st.one_of(st.integers(7, 700), st.just(LARGEST)).map(lambda size: "x" * size),
    enqueued_at=st.just(NOW),
    run_after=st.none() | st.just(NOW),
    owner=st.sampled_from([None, OWNER]),
    depth=st.sampled_from([0, 1_000]),
    traceparent=st.sampled_from([None, TRACE]),
    options=st.sampled_from([{}, {"max_attempts": 5, "timeout": 30.0}]),
)


def bytes_of(attributes):
    typed = {name: attribute(value) for name, value in attributes.items()}
    return item_size({**typed, "part": {"S": "record"}})


def failing_life(enqueued, progress, error, attempts, listed=False):
    """Yield a record after each write of a worker whose attempts all fail."""
    record, now = initial_item(enqueued, READ_SHARDS, listed=listed), NOW
    yield record
    for fence in range(1, attempts + 1):
        now += timedelta(minutes=5)
        claimed = claim(
            enqueued,
            token=TOKEN,
            worker_id="w" * 16,
            now=now,
            lease_until=now + timedelta(minutes=15),
            max_attempts=100,
            shards=READ_SHARDS,
            listed=listed,
        )
        assert claimed.allowed(record)
        yield (record := claimed.apply(record))
        free = free_bytes(record)
        reported = report(fence=fence, token=TOKEN, progress=truncate(progress, free))
        yield (record := reported.apply(record))
        failed = release(
            enqueued.id,
            fence=fence,
            token=TOKEN,
            not_before=now,
            due_at=now,
            error=truncate(error, free),
            part=f"error#{fence:04d}",
        )
        yield (record := failed.apply(record))


def with_text(size):
    """Return a task whose record has this many bytes of text, 400 of them arguments."""
    others = len("default") * 2 + len(OWNER) + len(TRACE) + 400
    return EnqueuedTask(
        id="0" * 32,
        alias="default",
        name=("shop.orders.tasks." + "n" * size)[: size - others],
        queue="default",
        arguments="x" * 400,
        enqueued_at=NOW,
        run_after=NOW,
        owner=OWNER,
        depth=1_000,
        traceparent=TRACE,
    )


LONGEST_NUMBERS = {"done": 10**9, "total": 10**9, "message": ""}


SHORTEST_ERROR = {"class": "shop.errors.PaymentRefused", "message": ""}


@example(with_text(INITIAL_TEXT_BYTES), LONGEST_NUMBERS, SHORTEST_ERROR, False)
@example(with_text(INITIAL_TEXT_BYTES), LONGEST_NUMBERS, SHORTEST_ERROR, True)
@example(with_text(600), LONGEST_NUMBERS, SHORTEST_ERROR, False)
@given(ENQUEUED_TASKS, PROGRESS, ERROR, st.booleans())
def test_every_write_of_up_to_three_attempts_is_within_one_unit(enqueued, progress, error, listed):
    for record in failing_life(enqueued, progress, error, 3, listed):
        assert bytes_of(record) <= UNIT_BYTES


@given(PROGRESS, ERROR)
def test_so_is_every_write_of_sixteen_attempts_of_a_usual_task(progress, error):
    enqueued = EnqueuedTask(
        id="0" * 32,
        alias="default",
        name="shop.orders.tasks.send_confirmation",
        queue="default",
        arguments="[[1234567],{}]",
        enqueued_at=NOW,
        owner="user:1234567",
    )

    for record in failing_life(enqueued, progress, error, 16):
        assert bytes_of(record) <= UNIT_BYTES


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"arguments": "x" * INLINE_ARGUMENTS_BYTES}, True),
        ({"arguments": "x" * (INLINE_ARGUMENTS_BYTES + 1)}, False),
        ({"arguments": "x" * INLINE_ARGUMENTS_BYTES, "owner": OWNER, "traceparent": TRACE}, True),
        ({"arguments": "x" * INLINE_ARGUMENTS_BYTES, "name": "n" * 300}, False),
        ({"arguments": "x" * 100, "name": "n" * 300}, True),
        ({"reference": Reference(key="k", sha256="s", size=1)}, False),
    ],
)
def test_arguments_are_in_the_record_if_the_rest_leaves_space(changes, expected):
    enqueued = EnqueuedTask(
        **{"id": "0" * 32, "alias": "default", "name": "a.b", "queue": "q", "enqueued_at": NOW} | changes
    )

    assert fits_inline(enqueued) is fits_inline(enqueued, listed=True) is expected
    assert ("arguments" in initial_item(enqueued)) is expected


def test_the_partition_of_a_list_counts_among_the_texts_of_a_record():
    at_most, over = (with_text(INITIAL_TEXT_BYTES - len("listeddefault#63") + more) for more in (0, 1))

    assert (
        ("arguments" in initial_item(at_most, 64, listed=True)) is fits_inline(at_most, listed=True) is True
    )
    assert ("arguments" in initial_item(over, 64, listed=True)) is fits_inline(over, listed=True) is False
    assert "arguments" in initial_item(over, 64)


@given(
    st.dictionaries(st.text("abc", min_size=1), st.one_of(st.booleans(), st.integers(), TEXT, st.lists(TEXT)))
)
def test_free_bytes_follow_the_rules_of_dynamodb(attributes):
    assert free_bytes(attributes) == UNIT_BYTES - MARGIN_BYTES - bytes_of(attributes)


@given(PROGRESS, st.integers(-100, 1_500))
def test_a_message_is_cut_to_the_bytes_that_fit(progress, max_bytes):
    fitting = truncate(progress, max_bytes)

    text, cut = progress["message"], fitting["message"]
    assert {**fitting, "message": text} == progress
    assert text.startswith(cut)
    assert len(dump(fitting)) <= max_bytes or cut == ""
    assert cut == text or len(dump({**fitting, "message": text[: len(cut) + 1]})) > max_bytes
