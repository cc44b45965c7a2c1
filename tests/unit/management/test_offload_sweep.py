"""offload_sweep runs the sweeper once in this process."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.protocol.record import read_record
from django_offload.protocol.transitions import postpone
from django_offload.worker.sweeping import Sweeper
from tests.contract.setup import STACK
from tests.unit import tasks
from tests.unit.management.commands import run, run_json

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


def lose(store, offload, number=1):
    """Enqueue a task that has lost its message and was due a minute ago."""
    result = tasks.double.enqueue(number)
    offload.transports[STACK].queues["default"].messages.clear()
    due_was, now = read_record(store.get(result.id)).due_at, datetime.now(UTC)
    store.change(result.id, postpone(result.id, due_was=due_was, due_at=now - timedelta(minutes=1)))
    return result


def test_what_is_due_is_sent_again(store, offload):
    result = lose(store, offload, 21)

    assert run("offload_sweep") == (0, "Swept: 1 sent.\n")

    offload.run()
    assert read_record(store.get(result.id)).result == "42"


def test_where_nothing_is_due_it_says_so(store):
    tasks.double.enqueue(1)

    assert run("offload_sweep") == (0, "Nothing was due.\n")


def test_for_programs_it_counts(store, offload):
    lose(store, offload)
    lose(store, offload)

    code, output = run_json("offload_sweep")

    assert (code, output) == (0, {"sent": 2})


def test_what_could_not_be_swept_is_wrong(store, offload, monkeypatch):
    lose(store, offload)

    def fail(*args, **kwargs):
        raise ConnectionError("no answer")

    monkeypatch.setattr(offload.transports[STACK], "send", fail)

    assert run("offload_sweep") == (1, "Swept: 1 failed.\n")


def test_it_stops_in_time(store, offload, monkeypatch):
    lose(store, offload)
    monkeypatch.setattr(Sweeper, "sweep_page", lambda *args: pytest.fail("There was no time for this."))

    assert run("offload_sweep", "--seconds", "0.5") == (0, "Swept: 1 stopped.\n")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_it_needs_time(store, seconds):
    assert run("offload_sweep", f"--seconds={seconds}") == (2, "--seconds must be above 0.")
