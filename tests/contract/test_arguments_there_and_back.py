"""Whatever enqueue() accepts, the worker reads as the caller sees it, whichever way it travels."""

from collections import deque
from datetime import timedelta
from enum import IntEnum, StrEnum
from unittest import mock

import pytest
from django.db import connection, transaction
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_offload.compat import InvalidTask
from django_offload.conf import configured
from django_offload.exceptions import InvalidArguments
from django_offload.operations.redrive import redrive
from django_offload.outbox import drain as outbox
from tests.contract import limit_tasks as tasks
from tests.contract.setup import STACK, tasks_setting

MODULES = ["tests.contract.limit_tasks"]

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8) | st.text(
    # Halves of characters, of which JSON makes a character if they come one after the other.
    st.sampled_from("a\ud83d\ude00\x00\U0001f600é"),
    max_size=4,
)


class Elsewhere(dict):
    """A dictionary that stores its items elsewhere, as some libraries' do. The encoder sees none of them."""

    def __init__(self, items):
        super().__init__()
        self.stored = items

    def __getitem__(self, key):
        return self.stored[key]

    def __iter__(self):
        return iter(self.stored)

    def __len__(self):
        return len(self.stored)

    def items(self):
        return self.stored.items()


class Level(IntEnum):
    HIGH = 2


class Size(StrEnum):
    LARGE = "L"


class Number(float):
    """A number that prints itself in its own way, as numpy's do."""

    def __repr__(self):
        return f"Number({float(self)})"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.sampled_from([10**4_299, -(10**4_299), 1e308, -0.0, 5e-324, float("inf"), float("nan")])
    | st.just(4_300).map(lambda digits: 10**digits)
    | st.sampled_from([Level.HIGH, Size.LARGE, Number(1.5), SafeString("<b>"), gettext_lazy("Yes")])
    | st.floats()
    | TEXT
    | st.binary(max_size=3)
    | st.dates()
)
# Keys of which many become one text.
KEYS = TEXT | st.sampled_from([0, 1, "0", "1", True, "true", None, "null", 1.5, "1.5", 1.0, Level.HIGH, "2"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.dictionaries(TEXT, inner, max_size=2)
        | st.tuples(inner)
        | st.dictionaries(KEYS, inner, max_size=2).map(Elsewhere)
        | st.lists(inner, max_size=2).map(deque)
        | st.builds(lambda levels, value: nested(value, levels), st.integers(1, 60), inner)
    ),
    max_leaves=6,
)


def nested(value, levels):
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.fixture
def offload_with_outbox(settings, sqlite_database, request):
    settings.TASKS = tasks_setting(modules=MODULES, outbox=True)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")  # The test commits hundreds of times.
    return request.getfixturevalue("offload")


def enqueue(way, task, args, kwargs):
    """Enqueue a task in one of the ways in which arguments travel."""
    if way == "in bulk":
        # A dictionary has no positional arguments, and a tuple no others.
        ((refused_or_result),) = task.enqueue_many([kwargs or tuple(args)])
        if isinstance(refused_or_result, Exception):
            raise refused_or_result
        return refused_or_result
    if way == "through the bucket":
        with mock.patch("django_offload.sending.enqueue.PART_BYTES", 2):
            return task.enqueue(*args, **kwargs)
    if way == "through the outbox":
        with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
            return task.enqueue(*args, **kwargs)
    return task.enqueue(*args, **kwargs)


WAYS = ["alone", "in bulk", "through the bucket", "through the outbox", "retried", "redriven"]


@hypothesis_settings(
    max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(WAYS),
    st.lists(VALUES, max_size=2),
    st.dictionaries(TEXT.filter(str.isidentifier), VALUES, max_size=2),
)
def test_whatever_enqueue_accepts_the_worker_reads_as_the_caller_sees_it(
    offload_with_outbox, way, args, kwargs
):
    site, store = offload_with_outbox, offload_with_outbox.stores[STACK]
    tasks.runs.clear()
    tasks.failures[:] = [ValueError] * (way in {"retried", "redriven"})
    task = tasks.take.using(max_attempts=1) if way == "redriven" else tasks.take
    try:
        result = enqueue(way, task, args, kwargs)
    except InvalidTask as exc:
        assert type(exc) is InvalidArguments  # noqa: PT017, most examples raise nothing
        assert site.run() == 0
        return

    if way == "through the outbox":
        assert outbox.drain(site.clock() + timedelta(minutes=1), lambda: 60.0) == 1
    site.run()
    if way == "redriven":
        assert redrive(store, result.id, configured()["default"], site.clock()).done
        site.run()
    passed = [result.args, result.kwargs]
    result.refresh()
    assert result.status == "SUCCESSFUL"
    assert len(tasks.runs) == (2 if way in {"retried", "redriven"} else 1)
    assert (record_has_reference(store, result.id), bool(tasks.failures)) == (
        way == "through the bucket",
        False,
    )
    for read in [*tasks.runs, [result.args, result.kwargs]]:
        assert read == passed
        # An equal number may be of another type: True == 1 == 1.0.
        assert written(read) == written(passed)


def record_has_reference(store, task_id):
    return "arguments_reference" in store.records[task_id]


def written(value):
    """Return the text of a value, without the classes that a project may have derived from Python's."""
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [written(item) for item in value]
    kinds = (kind for kind in (bool, int, float, str) if isinstance(value, kind))
    kind = next(kinds, type(value))
    return kind.__name__, kind.__repr__(value)
