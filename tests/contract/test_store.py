"""Every store makes conditional writes as ConditionalWrite describes them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from django_offload.protocol.conditional_write import ConditionalWrite, Refused
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import TaskRecord, initial_item, read_record
from django_offload.protocol.transitions import (
    abandon,
    ask_to_stop,
    cancel,
    create,
    discard,
    fail,
    look_at,
    not_sent,
    postpone,
    redrive,
    release,
    report,
    send_again,
    set_aside,
    succeed,
    unclaim,
)
from tests.contract.records import (
    AGAIN,
    ERROR,
    NOW,
    SENT,
    TOKEN,
    TTL,
    claimed,
    create_record,
    enqueued_task,
    new_id,
    sent_and_unswept,
    states,
    storing,
)

SECOND = timedelta(seconds=1)
END = {"now": NOW, "result_ttl": TTL}
HELD, STALE, FORGED = (
    {"fence": 1, "token": TOKEN},
    {"fence": 2, "token": TOKEN},
    {"fence": 1, "token": "f" * 16},
)
WAIT = {"not_before": NOW + SECOND, "due_at": NOW + 2 * SECOND, "error": ERROR, "part": "error#0001"}
WORKING = {"running", "running, asked to stop", "lost", "lost, asked to stop"}
WAITING = {"ready", "ready, not yet", "ready, waiting for its retry"}
LOST = {"lost", "lost, asked to stop", "lost, attempts used up"}
# A record that was enqueued a minute before NOW is due five minutes later.
DUE = NOW + timedelta(minutes=4)
DUE_THEN = {"ready", "running", "running, asked to stop"}

# Each change, with the states that accept it; every other state refuses it.
CHANGES = {
    "create": (lambda i: create(initial_item(enqueued_task(i))), {"absent"}),
    "claim": (claimed, {"absent", "ready", "lost"}),
    "claim without birth": (
        lambda i: replace(
            claimed(i), conditions=claimed(i).conditions[1:], set_if_absent={"started_at": to_micros(NOW)}
        ),
        {"ready", "lost"},
    ),
    "claim before its time": (
        lambda i: claimed(i, enqueued=enqueued_task(i, run_after=NOW + SECOND)),
        {"ready", "lost"},
    ),
    "succeed": (lambda i: succeed(**HELD, **END, stored={"result": "42"}), WORKING),
    "succeed, result beside": (lambda i: succeed(**HELD, **END, stored={"result_part": "result#1"}), WORKING),
    "succeed with another fence": (lambda i: succeed(**STALE, **END, stored={"result": "1"}), set()),
    "succeed with another token": (lambda i: succeed(**FORGED, **END, stored={"result": "1"}), set()),
    "fail": (lambda i: fail(**HELD, **END, error=ERROR, part="error#0001"), WORKING),
    "fail without traceback": (lambda i: fail(**HELD, **END, error=ERROR, part=None), WORKING),
    "fail with another fence": (lambda i: fail(**STALE, **END, error=ERROR, part=None), set()),
    "fail with another token": (lambda i: fail(**FORGED, **END, error=ERROR, part=None), set()),
    "release": (lambda i: release(i, **HELD, **WAIT), {"running", "lost"}),
    "release with another fence": (lambda i: release(i, **STALE, **WAIT), set()),
    "release with another token": (lambda i: release(i, **FORGED, **WAIT), set()),
    "unclaim": (lambda i: unclaim(**HELD, workers=[]), {"running", "lost"}),
    "unclaim with another fence": (lambda i: unclaim(**STALE, workers=["worker-0"]), set()),
    "unclaim with another token": (lambda i: unclaim(**FORGED, workers=["worker-0"]), set()),
    "report": (lambda i: report(**HELD, progress={"done": 1, "total": None, "message": "é"}), WORKING),
    "report with another fence": (lambda i: report(**STALE, progress={"done": 1}), set()),
    "report with another token": (lambda i: report(**FORGED, progress={"done": 1}), set()),
    "abandon": (lambda i: abandon(**END, error=ERROR), WAITING | LOST),
    "cancel": (lambda i: cancel(**END, error=ERROR), WAITING),
    "ask to stop": (lambda i: ask_to_stop(), WORKING | LOST),
    "redrive": (lambda i: redrive(i, now=NOW, due_at=NOW + SECOND), {"failed", "failed from outside"}),
    "discard": (lambda i: discard(), {"failed", "failed from outside"}),
    "postpone": (lambda i: postpone(i, due_was=DUE, due_at=NOW), DUE_THEN),
    "postpone what was moved": (lambda i: postpone(i, due_was=DUE - SECOND, due_at=NOW), set()),
    "send again": (lambda i: send_again(i, due_was=DUE, due_at=NOW, now=NOW, counts=True), DUE_THEN),
    "send again uncounted": (
        lambda i: send_again(i, due_was=DUE, due_at=NOW, now=NOW, counts=False),
        DUE_THEN,
    ),
    "send again what was moved": (
        lambda i: send_again(i, due_was=DUE - SECOND, due_at=NOW, now=NOW, counts=True),
        set(),
    ),
    "set aside": (
        lambda i: set_aside(i, {"due_at": to_micros(NOW)}, now=NOW, due_at=AGAIN),
        # Those that failed are in another part of the index since NOW.
        WAITING | WORKING | LOST | {"failed", "failed from outside"},
    ),
    "set aside what was moved": (
        lambda i: set_aside(i, {"due_at": to_micros(NOW) + 1}, now=NOW, due_at=AGAIN),
        WAITING | WORKING | LOST,
    ),
    "set aside what is due as a fraction": (
        lambda i: set_aside(i, {"due_at": 0.5}, now=NOW - SECOND, due_at=AGAIN),
        WAITING | WORKING | LOST,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_accepted_in_its_states_and_refused_in_every_other(store, name):
    make, takers = CHANGES[name]
    for state in states(new_id()):
        task_id = new_id()
        attributes = states(task_id)[state]
        if attributes is not None:
            store.change(task_id, storing(attributes))
        change = make(task_id)

        if state in takers:
            before = store.change(task_id, change)

            returns_before = not change.returns_old or before == attributes
            assert returns_before, f"{name} of {state} did not return the record as it was"
            assert store.get(task_id) == change.apply(attributes), f"{name} of {state}"
        else:
            with pytest.raises(Refused) as refused:
                store.change(task_id, change)

            assert refused.value.current == attributes, f"{name} of {state}"
            assert store.get(task_id) == attributes, f"{name} of {state} was refused and changed something"


def as_read(task_id: str, state: str, **changes: Any) -> TaskRecord:
    """Return the record in one of its states, as a process read it."""
    return replace(read_record({**states(task_id), **sent_and_unswept(task_id)}[state] or {}), **changes)


def abandon_as_read(state: str) -> Callable[[str], ConditionalWrite]:
    return lambda i: abandon(now=NOW, result_ttl=TTL, error=ERROR, seen=as_read(i, state))


def look_at_as_read(state: str, **changes: Any) -> Callable[[str], ConditionalWrite]:
    return lambda i: look_at(i, due_at=NOW, seen=as_read(i, state, **changes))


def not_sent_as_read(state: str, due_at: datetime = AGAIN, now: datetime = SENT) -> Any:
    return lambda i: not_sent(as_read(i, state), due_at=due_at, now=now)


# Changes that somebody decides on after a read, with the states that accept them.
DECIDED = {
    "postpone what failed then": (lambda i: postpone(i, due_was=NOW, due_at=AGAIN), set()),
    "abandon, read when it was ready": (abandon_as_read("ready"), {"ready", "ready, not yet"}),
    "abandon, read when it was sent again": (abandon_as_read("ready, sent again"), {"ready, sent again"}),
    "abandon, read when it was lost": (
        abandon_as_read("lost"),
        {"ready, waiting for its retry", "ready, in no index", "lost", "lost, asked to stop"},
    ),
    "abandon, read when it was lost and sent again": (
        abandon_as_read("lost, sent again"),
        {"lost, sent again"},
    ),
    "look at": (look_at_as_read("running, in no index"), {"running, in no index", "ready, in no index"}),
    "look at, unread": (
        lambda i: look_at(i, due_at=NOW),
        {"running, in no index", "ready, in no index"},
    ),
    "look at, read when it was ready": (look_at_as_read("ready"), set()),
    "look at, read in another attempt": (look_at_as_read("running, in no index", fence=2), set()),
    "look at, read when it was sent": (look_at_as_read("running, in no index", sent_at=SENT), set()),
    "not sent": (not_sent_as_read("ready"), {"ready, sent again"}),
    "not sent, sent before": (not_sent_as_read("ready, sent again"), {"ready, sent again"}),
    "not sent, lost": (not_sent_as_read("lost"), {"lost, sent again"}),
    "not sent, moved since": (not_sent_as_read("ready", due_at=NOW), set()),
    "not sent, sent since": (not_sent_as_read("ready", now=NOW), set()),
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_decision_after_a_read_is_accepted_only_while_the_record_is_as_it_was_read(name):
    make, takers = DECIDED[name]
    task_id = new_id()
    every = {**states(task_id), **sent_and_unswept(task_id)}

    assert {state for state, attributes in every.items() if make(task_id).allowed(attributes)} == takers


def test_every_store_makes_a_decision_after_a_read(store):
    for make, takers in DECIDED.values():
        for state in takers & sent_and_unswept(new_id()).keys():
            task_id = new_id()
            store.change(task_id, storing(sent_and_unswept(task_id)[state]))

            store.change(task_id, make(task_id))

            assert store.get(task_id) == make(task_id).apply(sent_and_unswept(task_id)[state])


def test_every_change_of_the_protocol_is_tested():
    states_of = states(new_id())

    assert {state for _, takers in CHANGES.values() for state in takers} <= set(states_of)
    assert {make(new_id()).name for make, _ in [*CHANGES.values(), *DECIDED.values()]} == {
        *("create", "claim", "succeed", "fail", "release", "unclaim", "report"),
        *("abandon", "cancel", "ask to stop", "postpone", "send again", "redrive", "discard"),
        *("look at", "not sent", "set aside"),
    }


def test_a_claim_raises_the_fence_and_notes_the_worker(store):
    task_id = new_id()
    create_record(store, enqueued_task(task_id))

    store.change(task_id, claimed(task_id))

    record = read_record(store.get(task_id))
    assert (record.status, record.fence, record.token) == ("RUNNING", 1, TOKEN)
    assert (record.worker_ids, record.started_at) == (["worker-1"], NOW)
    assert record.lease_until == NOW + timedelta(minutes=5)


def test_a_second_claim_keeps_the_values_of_the_first(store):
    task_id, first = new_id(), NOW - timedelta(minutes=30)
    enqueued = enqueued_task(task_id, enqueued_at=first)
    store.change(task_id, claimed(task_id, first, enqueued=enqueued))

    store.change(task_id, claimed(task_id, enqueued=enqueued))

    record = read_record(store.get(task_id))
    assert (record.fence, record.attempts) == (2, 2)
    assert (record.started_at, record.attempted_at) == (first, NOW)


def test_claim_refuses_a_record_whose_lease_is_held(store):
    task_id = new_id()
    store.change(task_id, claimed(task_id))

    with pytest.raises(Refused, match="claim") as refused:
        store.change(task_id, claimed(task_id, NOW + timedelta(minutes=5) - timedelta(microseconds=1)))

    assert read_record(refused.value.current).fence == 1


def test_claim_takes_a_record_at_the_instant_its_lease_ends(store):
    task_id = new_id()
    store.change(task_id, claimed(task_id))

    store.change(task_id, claimed(task_id, NOW + timedelta(minutes=5)))

    assert read_record(store.get(task_id)).fence == 2
