"""One record in the hands of several workers, and a model of what each of them may do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import ConditionalWrite, Refused
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import FAILED, READY, RUNNING, SUCCESSFUL, read_record
from django_offload.stores.memory import MemoryStore
from django_offload.worker import attempt, progress_writer
from tests.simulation.clock import START
from tests.simulation.rules import PARTITIONS

ID = "0" * 32
BIRTH = EnqueuedTask(id=ID, alias="default", name="sim.plain", queue="default", enqueued_at=START)
LEASE, TTL, MOST = timedelta(minutes=5), timedelta(days=14), 3

WORKERS = st.sampled_from(["one", "two", "three"])
# Tokens are random; here they repeat, so that the fence has to decide, too.
TOKENS = st.sampled_from(["red", "blue"])
SECONDS = st.sampled_from([0, 20, 299, 301, 900])
# OPTIONS["shards"] of whoever writes.
SHARDS = st.sampled_from([1, 2, 8, 32, 64])


@dataclass(slots=True)
class Model:
    """What the record must say."""

    status: str | None = None
    fence: int = 0
    token: str = ""
    lease_until: datetime = START
    not_before: datetime = START
    attempts: int = 0
    cancelled: bool = False
    outcome: str | None = None


class RecordMachine(RuleBasedStateMachine):
    """Claim, finish and give back, by whoever was given a claim once."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.model, self.now = MemoryStore(), Model(), START
        self.claims: dict[str, tuple[int, str]] = {}  # By worker: what its last claim gave it.

    def make(self, change: ConditionalWrite, *, allowed: bool) -> bool:
        """Make a change, which must be taken exactly where the model allows it."""
        try:
            self.store.change(ID, change)
            made = True
        except Refused:
            made = False
        assert made == allowed, f"{change.name} was {'taken' if made else 'refused'}: {self.model}"
        return made

    def holds(self, worker: str) -> bool:
        return self.model.status == RUNNING and self.claims[worker] == (self.model.fence, self.model.token)

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def the_record_is_where_its_readers_look(self) -> None:
        record = self.store.records.get(ID)
        if record is not None and "due_shard" in record:
            assert record["due_shard"] in PARTITIONS[str(record["status"])]

    @rule(worker=WORKERS, token=TOKENS, shards=SHARDS)
    def claim(self, worker: str, token: str, shards: int) -> None:
        model, until = self.model, self.now + LEASE
        lost = model.status == RUNNING and model.lease_until <= self.now
        allowed = (
            model.status is None
            or (model.status == READY and model.not_before <= self.now)
            or (lost and not model.cancelled and model.attempts < MOST)
        )
        change = attempt.claim(
            BIRTH,
            token=token,
            worker_id=worker,
            now=self.now,
            lease_until=until,
            max_attempts=MOST,
            shards=shards,
        )
        if self.make(change, allowed=allowed):
            model.status, model.token, model.lease_until = RUNNING, token, until
            model.fence, model.attempts = model.fence + 1, model.attempts + 1
            self.claims[worker] = (model.fence, token)

    @rule(worker=WORKERS)
    def succeed(self, worker: str) -> None:
        if worker not in self.claims:
            return
        fence, token = self.claims[worker]
        change = attempt.succeed(
            fence=fence, token=token, now=self.now, result_ttl=TTL, stored={"result": f'"{worker}"'}
        )
        if self.make(change, allowed=self.holds(worker)):
            self.model.status, self.model.outcome = SUCCESSFUL, f'"{worker}"'

    @rule(worker=WORKERS, seconds=SECONDS, shards=SHARDS)
    def release(self, worker: str, seconds: int, shards: int) -> None:
        if worker not in self.claims:
            return
        fence, token = self.claims[worker]
        again = self.now + timedelta(seconds=seconds)
        change = attempt.release(
            ID,
            fence=fence,
            token=token,
            not_before=again,
            due_at=again,
            error={"class": "X", "message": ""},
            part=f"error#{fence}",
            shards=shards,
        )
        if self.make(change, allowed=self.holds(worker) and not self.model.cancelled):
            self.model.status, self.model.not_before = READY, again

    def teardown(self) -> None:
        attributes = self.store.get(ID)
        if attributes is not None:
            record = read_record(attributes)
            assert (record.status, record.fence) == (self.model.status, self.model.fence)
            assert record.result == self.model.outcome


class LeaseMachine(RecordMachine):
    """Also: a dead letter, which leaves a live lease alone."""

    @rule(shards=SHARDS)
    def abandon(self, shards: int) -> None:
        model = self.model
        lost = model.status == RUNNING and model.lease_until <= self.now
        error = {"class": "X", "message": ""}
        change = transitions.abandon(now=self.now, result_ttl=TTL, error=error, shards=shards)
        if self.make(change, allowed=model.status == READY or lost):
            model.status = FAILED


class CancelMachine(RecordMachine):
    """Also: somebody cancels."""

    @rule()
    def cancel(self) -> None:
        change = transitions.cancel(now=self.now, result_ttl=TTL, error={"class": "X", "message": ""})
        if self.make(change, allowed=self.model.status == READY):
            self.model.status = FAILED

    @rule()
    def ask_to_stop(self) -> None:
        if self.make(transitions.ask_to_stop(), allowed=self.model.status == RUNNING):
            self.model.cancelled = True


class ProgressMachine(RecordMachine):
    """Also: workers report how far they are; what is stored never goes backwards within a claim."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[int, int] = {}

    @rule(worker=WORKERS, step=st.integers(0, 5))
    def report(self, worker: str, step: int) -> None:
        if worker not in self.claims:
            return
        fence, token = self.claims[worker]
        done = self.done[fence] = self.done.get(fence, 0) + step
        change = progress_writer.report(fence=fence, token=token, progress={"done": done, "by": worker})
        if self.make(change, allowed=self.holds(worker)):
            stored: Any = read_record(self.store.get(ID) or {}).progress
            assert stored == {"done": done, "by": worker}
