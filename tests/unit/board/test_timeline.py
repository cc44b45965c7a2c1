"""The timeline of a task is what happened to it, whatever happened."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from django_offload.board.timeline import timeline
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite
from django_offload.protocol.json_codec import from_micros, to_micros
from django_offload.protocol.record import FAILED, SUCCESSFUL, error_part, initial_item, read_record
from django_offload.protocol.transitions import (
    abandon,
    ask_to_stop,
    cancel,
    claim,
    fail,
    not_sent,
    redrive,
    release,
    send_again,
    succeed,
    unclaim,
)
from tests.contract.records import ERROR, LEASE, NOW, TTL, enqueued_task, new_id

MINUTE = timedelta(minutes=1)
MOST_ATTEMPTS = 100


@dataclass
class History:
    """A record, and beside it what really happened to its task."""

    now: datetime = NOW
    enqueued: Any = field(default_factory=lambda: enqueued_task(new_id()))
    parts: dict[str, str] = field(default_factory=dict)
    claims: int = 0
    # The attempts as (outcome, worker); the last one may be running.
    attempts: list[tuple[str, str]] = field(default_factory=list)
    attempted_at: list[datetime] = field(default_factory=list)  # Of the attempts.
    lives: int = 0  # How many attempts there were before the last redrive.

    def __post_init__(self) -> None:
        self.attributes: Attributes = initial_item(self.enqueued)
        self.before: Attributes = {}

    def change(self, change: ConditionalWrite) -> bool:
        """Make a change that is allowed. Return False if it isn't."""
        self.now += MINUTE
        if not change.allowed(self.attributes):
            return False
        self.before, self.attributes = self.attributes, change.apply(self.attributes)
        return True

    @property
    def held(self) -> dict[str, Any]:
        return {"fence": self.claims, "token": f"token-{self.claims}"}

    def end(self, outcome: str) -> None:
        self.attempts[-1] = (outcome, self.attempts[-1][1])

    @property
    def is_running(self) -> bool:
        return bool(self.attempts) and self.attempts[-1][0] == "runs"

    def claim(self) -> None:
        number = self.claims + 1
        worker = f"worker-{number}"
        change = claim(
            self.enqueued,
            token=f"token-{number}",
            worker_id=worker,
            now=self.now,
            lease_until=self.now + LEASE,
            max_attempts=MOST_ATTEMPTS,
        )
        at = self.now
        if self.change(change):
            if self.is_running:
                self.end("was lost")
            self.claims = number
            self.attempts.append(("runs", worker))
            self.attempted_at.append(at)

    def unclaim(self) -> None:
        """Undo a claim at once, as a worker does that has too little time left."""
        before = self.attributes
        count, last = len(self.attempts), self.attempts[-1:]
        self.claim()
        if len(self.attempts) == count:
            return
        workers = read_record(self.attributes).worker_ids[:-1]
        assert self.change(unclaim(**self.held, workers=workers, before=before))
        self.attempts.pop()
        self.attempted_at.pop()
        assert [worker for _, worker in self.attempts[-1:]] == [worker for _, worker in last]

    def raises(self, again: bool) -> None:
        if not self.is_running:
            return
        part, at = error_part(self.claims), to_micros(self.now)
        if again:
            change = release(
                self.enqueued.id, **self.held, not_before=self.now, due_at=self.now, error=ERROR, part=part
            )
        else:
            change = fail(**self.held, now=self.now, result_ttl=TTL, error=ERROR, part=part)
        if self.change(change):
            self.parts[part] = json.dumps({**ERROR, "traceback": "so", "at": at})
            self.end("failed")

    def returns(self) -> None:
        if self.is_running and self.change(
            succeed(**self.held, now=self.now, result_ttl=TTL, stored={"result": "1"})
        ):
            self.end("succeeded")

    def lose(self) -> None:
        self.now += LEASE

    def give_up(self) -> None:
        if self.change(abandon(now=self.now, result_ttl=TTL, error=ERROR)) and self.is_running:
            self.end("was lost")

    def redrive(self) -> None:
        if self.change(redrive(self.enqueued.id, now=self.now, due_at=self.now)):
            self.lives = len(self.attempts)

    def cancel(self) -> None:
        self.change(cancel(now=self.now, result_ttl=TTL, error=ERROR))

    def ask_to_stop(self) -> None:
        self.change(ask_to_stop())

    def send_again(self, refused: bool = False) -> None:
        due_at, record = self.attributes.get("due_at"), read_record(self.attributes)
        if not isinstance(due_at, int) or record.ended:
            return
        now = self.now
        change = send_again(self.enqueued.id, due_was=from_micros(due_at), due_at=now, now=now, counts=True)
        if self.change(change) and refused:
            assert self.change(not_sent(record, due_at=now, now=now))


STEPS = {
    "claim": History.claim,
    "unclaim": History.unclaim,
    "raise, again": lambda history: history.raises(again=True),
    "raise": lambda history: history.raises(again=False),
    "return": History.returns,
    "lose": History.lose,
    "give up": History.give_up,
    "redrive": History.redrive,
    "send again": History.send_again,
    "send again, refused": lambda history: history.send_again(refused=True),
    "cancel": History.cancel,
    "ask to stop": History.ask_to_stop,
}


def shown_attempts(history: History) -> list[tuple[str, str]]:
    entries = timeline(read_record(history.attributes), history.parts)
    return [(entry.title, entry.worker) for entry in entries if entry.title.startswith("Attempt ")]


def true_attempts(history: History) -> list[tuple[str, str]]:
    # The workers of attempts before a redrive are forgotten.
    return [
        (f"Attempt {number} {outcome}", worker if number > history.lives else "")
        for number, (outcome, worker) in enumerate(history.attempts, 1)
    ]


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=25))
def test_every_history_is_shown_as_it_was(steps: list[str]):
    history = History()
    for step in steps:
        STEPS[step](history)

        record = read_record(history.attributes)
        assert shown_attempts(history) == true_attempts(history)
        assert record.attempts == len(history.attempts) - history.lives
        assert record.attempted_at == (history.attempted_at[-1] if history.attempted_at else None)
        entries = list(timeline(record, history.parts))
        titles = [entry.title for entry in entries]
        # When it may start is no event.
        events = [entry for entry in entries if entry.title != "Starts no earlier than"]
        instants = [entry.instant for entry in events if entry.instant is not None]
        assert instants == sorted(instants), titles
        assert titles.count("Sent again") == (record.sent_at is not None)
        assert (titles[-1] == "FAILED") == (record.status == FAILED)
        assert (titles[-1] == "Finished") == (record.status == SUCCESSFUL)
        shown_error = [entry for entry in entries if entry.is_latest_error]
        assert len(shown_error) == bool(record.error_parts)


def test_a_claim_that_was_undone_is_no_attempt_and_changes_no_worker():
    history = History()
    history.claim()
    history.raises(again=True)
    history.unclaim()
    history.claim()
    history.returns()

    assert shown_attempts(history) == [("Attempt 1 failed", "worker-1"), ("Attempt 2 succeeded", "worker-3")]
