"""
Unique tasks, and everything that can happen to them: enqueued, sent, worked on, swept, cancelled, redriven.

Each process makes its calls one by one, and between any two of them others have their turn. A call may stall,
for a minute or for more than a day, may fail, or may kill its process; its reply may be lost.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django_offload import stores, transports
from django_offload.conf import configured
from django_offload.definition.unique import key_digits
from django_offload.exceptions import EnqueueFailed, OffloadError
from django_offload.keys.unique import Holder, UniqueKeys
from django_offload.operations.cancel import cancel
from django_offload.operations.redrive import redrive
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump
from django_offload.protocol.record import FAILED
from django_offload.sending.enqueue import send_many
from django_offload.stores.memory import MemoryStore
from django_offload.transports import Delivery
from django_offload.worker import execution
from django_offload.worker.attempt import PendingOutcome
from django_offload.worker.deadline import LambdaInvocation
from django_offload.worker.delivery import Worker
from django_offload.worker.sweeping import Sweeper

from .deploys import READING, Release
from .faults import MET, InternalServerError, Killed, ReplyLost, Throttled
from .seams import SimulatedStore, SimulatedTransport
from .setup import SQS, TIMEOUT
from .stage import stage
from .turns import Turns
from .unique_events import ENDS, MINUTE, NAMES, REFUSED, UNRUN, Call, Dice, Outcome, Run, Script

QUEUE = "default"


class Uniques:
    """A table, a queue, and processes that take turns."""

    release: Release = READING

    def __init__(self, seed: object, dice: Dice | None = None, *, turns: Turns | None = None) -> None:
        self.rng, self.dice = random.Random(str(seed)), dice or Dice()
        self.turns = turns or Turns()
        self.store = SimulatedStore(self, self)
        self.table: MemoryStore = self.store.inner
        self.transport = SimulatedTransport(
            self, lambda queue, delay: None, lambda: self.turns.now, visibility=timedelta(minutes=30)
        )
        self.options = configured()["default"]
        self.calls: list[Call] = []
        self.runs: defaultdict[str, list[Run]] = defaultdict(list)
        self.ends: defaultdict[str, list[datetime]] = defaultdict(list)
        self.running: defaultdict[str, set[str]] = defaultdict(set)
        self.outcome = Outcome()
        self.faults: Counter[str] = Counter()
        self.fails = 0.0  # How often a task raises.
        self.work_seconds = 3.0
        self.busy = 0  # Processes that enqueue.
        self.script: Script | None = None
        self.made: Counter[str] = Counter()  # Calls, by the role of their process.
        self.failing = 0  # So many runs raise, from the first on.
        self._ids = 0

    # What the seams ask for.

    def call[T](self, whom: str, function: Callable[..., T], *args: Any) -> T:
        """Make a call of the process whose turn it is."""
        dice, rng = self.dice, self.rng
        if self.script is not None:
            return self._scripted(self.script, function, *args)
        self.turns.pause(rng.random() * 2 * dice.latency)
        if dice.none:
            return function(*args)
        roll = rng.random()
        if (roll := roll - dice.stall) < 0:
            self.faults["stall"] += 1
            seconds = dice.longest * rng.choice((0.1, 0.5, 1.0, 1.1))
            if rng.random() < 0.5:
                self.turns.pause(seconds)
                return function(*args)
            result = function(*args)
            self.turns.pause(seconds)
            return result
        if (roll := roll - dice.error) < 0:
            self.faults["throttle or 500"] += 1
            raise rng.choice((Throttled, InternalServerError))()
        if (roll := roll - dice.kill) < 0:
            self.faults["SIGKILL"] += 1
            self._perhaps(function, *args)
            raise Killed
        if roll - dice.lost < 0:
            self.faults["reply lost"] += 1
            self._perhaps(function, *args)
            if rng.random() < 0.5:
                return function(*args)  # The SDK tries again.
            raise ReplyLost
        return function(*args)

    def _scripted[T](self, script: "Script", function: Callable[..., T], *args: Any) -> T:
        """Make a call of a process of which the script may say that it stalls, or dies, before or after."""
        role = self.turns.process.role
        self.made[role] += 1
        self.turns.pause(0.01)
        event = script.get((role, self.made[role]))
        if event is None:
            return function(*args)
        self.faults[role] += 1
        seconds, applied = event
        if applied:
            try:
                result = function(*args)
            finally:
                self._stop(seconds)
            return result
        self._stop(seconds)
        return function(*args)

    def _stop(self, seconds: float) -> None:
        if seconds == REFUSED:
            raise ReplyLost
        if seconds < 0:
            raise Killed
        self.turns.pause(seconds)

    def _perhaps(self, function: Callable[..., Any], *args: Any) -> None:
        if self.rng.random() < 0.5:
            with suppress(Refused):
                function(*args)

    def lags(self, whom: str) -> bool:
        return not self.dice.none and self.rng.random() < 0.02

    def leaves_out(self, whom: str) -> bool:
        return False

    def changed(self, task_id: str, change: ConditionalWrite, before: Attributes | None) -> None:
        self.outcome.counts[change.name] += 1
        if change.put.get("status") in ENDS:
            self.ends[task_id].append(self.turns.now)
        if before is not None and before.get("status") in ENDS and change.name not in {"redrive", "discard"}:
            self.outcome.say(f"{change.name} after its end", task_id)

    def read(self, task_id: str) -> None:
        self.outcome.counts["read"] += 1

    def looked(self, task_id: str, part: str, text: str | None) -> None:
        pass

    def skew(self) -> timedelta:
        """Return by how much the clock of a new process is wrong: up to a second."""
        return timedelta(0) if self.dice.none else timedelta(seconds=self.rng.uniform(-1, 1))

    # What tasks do.

    def alone(self, task_id: str, key: str) -> str:
        """Run a task's function: nobody else runs one of this key, unless keys are for waiting ones."""
        run = Run(task_id, self.turns.now)
        self.runs[task_id].append(run)
        kind = key.partition(":")[0]
        others = self.running[key]
        if others and not NAMES[kind]:
            self.outcome.say("two running tasks of one key", f"{task_id} beside {others}, {key}")
        others.add(task_id)
        try:
            lasts = self.rng.random() * 2 if self.script is None else 1.0
            self.turns.pause(lasts * self.work_seconds)
            run.ended = self.turns.now
        finally:
            others.discard(task_id)
        self.failing -= 1
        if self.failing >= 0 or self.rng.random() < self.fails:
            raise OSError(key)
        return key

    # Processes.

    def enqueued(self, name: str, key: int) -> EnqueuedTask:
        self._ids += 1
        unique = key_digits(self.options.stack, name, key)
        return EnqueuedTask(
            id=f"{self.rng.getrandbits(96):024x}{self._ids:08x}",
            alias="default",
            name=name,
            queue=QUEUE,
            enqueued_at=self.turns.clock(),
            arguments=dump([[f"{name}:{key}"], {}]),
            unique=unique,
        )

    def enqueue(self, *tasks: tuple[str, int], later: float = 0.0) -> list[Call]:
        """Call enqueue(), or enqueue_many(), of tasks that start so many seconds later."""
        calls = [Call(self.enqueued(*task), self.turns.now) for task in tasks]
        for call in calls if later else ():
            run_after = self.turns.now + timedelta(seconds=later)
            call.enqueued = replace(call.enqueued, run_after=run_after)
        self.calls += calls
        self.send(calls)
        return calls

    def send(self, calls: Sequence[Call], *, again: bool = False) -> None:
        """Send what was enqueued; `again` as the outbox and schedules do, which know the ids already."""
        now = self.turns.clock()
        tasks = [replace(call.enqueued, enqueued_at=now) if again else call.enqueued for call in calls]
        with suppress(*MET, OffloadError):
            for call, outcome in zip(calls, send_many(tasks, self.options, ids_are_known=again), strict=True):
                if isinstance(outcome, EnqueueFailed):
                    continue
                known = outcome is None or again
                call.returned = call.enqueued.id if known else outcome.task_id
                call.is_duplicate = isinstance(outcome, Holder)

    def receive(self) -> bool:
        """Receive a message, and work on it as a function of Lambda does. Return False if there is none."""
        deliveries = self.transport.receive(QUEUE, 1)
        for held in self.transport.take_dead(QUEUE):
            self.outcome.counts["dead letters"] += 1
            self.bury(Delivery(id=held["id"], body=held["body"], queue=QUEUE, handle=held["id"]))
        for delivery in deliveries:
            self.invoke(delivery)
        return bool(deliveries)

    def bury(self, letter: Delivery) -> None:
        from django_offload.exceptions import DeadLettered
        from django_offload.operations.fail import fail_record
        from django_offload.protocol.message import parse_body

        _, fields = parse_body(letter.body)
        record = self.table.get(str(fields["id"]))
        if record is not None:
            from django_offload.protocol.record import read_record

            enqueued = read_record(record).enqueued
            with suppress(Refused):
                fail_record(self.table, enqueued, self.options, self.turns.now, DeadLettered("it was"))

    def invoke(self, delivery: Delivery) -> None:
        process = self.turns.process
        process.ends = ends = self.turns.now + timedelta(seconds=TIMEOUT)
        invocation = LambdaInvocation(left=lambda: left(ends - self.turns.now), whole=TIMEOUT, worker_id="w")
        worker = Worker(
            options=self.options,
            store=self.store,
            transport=self.transport,
            clock=self.turns.clock,
            invocation=invocation,
            complete_previous=lambda: None,
        )
        answer: Any = timedelta(0)
        with suppress(*MET, OffloadError, Killed):
            answer = worker.deliver(delivery)
            if isinstance(answer, PendingOutcome):
                answer = worker.complete(answer)
            if answer is None:
                self.transport.delete(delivery)
            else:
                self.transport.give_back(delivery, answer)
        process.ends = None
        if self.turns.ended:
            raise Killed

    def sweep(self) -> None:
        """Do what the sweeper does each minute."""
        self.turns.process.ends = self.turns.now + timedelta(seconds=MINUTE * 3)
        if self.store.may_show(self.turns.clock()):
            with suppress(*MET, OffloadError, Killed):
                Sweeper(
                    options=self.options, store=self.store, clock=self.turns.clock, left=lambda: 50.0
                ).run()
        self.turns.process.ends = None

    def redrive(self, task_id: str) -> None:
        with suppress(*MET, OffloadError):
            redrive(self.store, task_id, self.options, self.turns.clock())

    def cancel(self, call: Call) -> None:
        with suppress(*MET, OffloadError):
            cancel(self.store, call.enqueued, self.options, self.turns.clock())

    def working(self) -> bool:
        """Return True while somebody enqueues, a message waits, or the sweeper has something to look at."""
        queue = self.transport.queues.get(QUEUE)
        return bool(self.busy or (queue and queue.messages) or any(self.table._due.get(n) for n in self._due))

    @property
    def _due(self) -> Iterator[int]:
        from .rules import SWEPT

        return (shard for shard in self.table._due if shard in SWEPT)

    def serve(
        self, workers: int = 1, *, idle: float = 0.5, sweep_every: float = MINUTE, after: float = 0.0
    ) -> None:
        """Have workers and a sweeper go on until there is nothing to do."""

        def work() -> None:
            while self.working():
                if not self.receive():
                    self.turns.pause(idle)

        def sweep() -> None:
            while self.working():
                self.sweep()
                self.turns.pause(sweep_every)

        for number in range(workers):
            self.turns.begin(f"worker {number}", work, after + self.rng.random())
        self.turns.begin("sweeper", sweep, sweep_every * self.rng.random())

    def enqueuing(self, work: Callable[[], object], after: float = 0.0, role: str = "web") -> None:
        """Begin a process that enqueues, cancels or redrives, until when everybody goes on."""
        self.busy += 1

        def run() -> None:
            try:
                work()
            finally:
                self.busy -= 1

        self.turns.begin(role, run, after)

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Put this world in the place of AWS and of the clocks."""
        stage.world = self  # type: ignore[assignment]
        random.seed(self.rng.random())
        keys = UniqueKeys.__init__

        def init(this: UniqueKeys, *args: Any, **options: Any) -> None:
            keys(this, *args, **options)
            this.pause = self.turns.pause

        with ExitStack() as exits:
            for target, name, value in (
                (execution, "limited", lambda seconds: nullcontext()),
                (UniqueKeys, "__init__", init),
            ):
                exits.enter_context(mock.patch.object(target, name, value))
            exits.enter_context(stores.use(SQS, self.store))
            exits.enter_context(transports.use(SQS, self.transport))
            self.transport.prepare(QUEUE)
            yield

    # What has to be true in the end.

    def check(self) -> Outcome:
        """Return what was wrong: nothing of what returned is lost, and no key stays taken."""
        outcome = self.outcome
        for call in self.calls:
            if call.returned is not None:
                outcome.counts["returned"] += 1
                outcome.counts["duplicates"] += call.is_duplicate
                if (problem := self.problem_of(call)) is not None:
                    outcome.say(problem[0], f"{call} {problem[1]}")
        return outcome

    def final(self, task_id: str) -> tuple[Attributes | None, list[str]]:
        """Return the record of the task that did the work, and the ids on the way to it."""
        record, way = self.table.get(task_id), [task_id]
        while record is not None and "duplicate_of" in record:
            task_id = str(record["duplicate_of"])
            if task_id in way:
                return None, [*way, "again"]
            way.append(task_id)
            record = self.table.get(task_id)
        return record, way

    def problem_of(self, call: Call) -> tuple[str, object] | None:
        record, way = self.final(str(call.returned))
        if record is None:
            return "lost", way
        if record["status"] not in ENDS:
            return f"stuck {record['status']}", way
        error = str(record.get("error", ""))
        if record["status"] == FAILED and any(f".{name}" in error for name in UNRUN):
            self.outcome.counts["ended unrun"] += 1
            ended = max(self.ends[way[-1]], default=self.turns.now)
            return ("ended before the call", (way, error)) if ended < call.began else None
        if NAMES[call.enqueued.name]:
            did = any(run.began >= call.began for run in self.runs[way[-1]])
        else:
            # As long as the outcome of a run isn't stored, its task lives.
            did = bool(self.runs[way[-1]]) and any(end >= call.began for end in self.ends[way[-1]])
        return None if did else ("no run after the call", (way, self.runs[way[-1]]))


left = timedelta.total_seconds
