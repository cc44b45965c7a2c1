"""One world: some tasks, every process that has to do with them, and what goes wrong meanwhile."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django_offload.exceptions import DeadlineExceeded
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite
from django_offload.protocol.json_codec import from_micros
from django_offload.worker.execution import Outcome, execute

from . import deploys
from .actors import Actor
from .clock import NOTHING, VirtualTime
from .database import Database
from .deploys import READING, ROLES, Release, deploy, next_release
from .designs import OURS, Design
from .faults import Fault, Faults
from .ledger import Ledger
from .mapping import MOST_RECEIVES, VISIBILITY, Mapping, Schedule, stacks
from .network import Network
from .outbox import Outbox
from .patches import Virtual, patched
from .plan import Order
from .seams import InvokedTransport, SimulatedPayloads, SimulatedStore, SimulatedTransport
from .setup import DIRECT
from .stage import stage
from .web import Web

ID = re.compile(r'"id":"([0-9a-f]{32})"')
ANY_ID = re.compile(r"[0-9a-f]{32}")
# A task arrives every so often; faults come until HEALED; what has not ended at END is stuck.
ARRIVALS = timedelta(seconds=1.8)
HEALED = timedelta(hours=12)
END = timedelta(hours=36)
# How long after its worker must be dead a lease ends.
LEAST_MARGIN, MOST_MARGIN = timedelta(seconds=4), timedelta(seconds=6)
# Who reads a record first, and which writes follow from what it said.
READERS, DECISIONS = {"sweeper", "dead letters"}, {"abandon", "look at"}
# How often a deploy comes, per that many tasks.
DEPLOYS, DEPLOYED = 0.8, 2_000
# Until every function has a new release, one after the other.
LONGEST_ROLLOUT = timedelta(minutes=5)


class World:
    """Runs some tasks through the protocol, one thing at a time, from a seed."""

    def __init__(
        self,
        seed: str,
        tasks: int,
        design: Design = OURS,
        *,
        faults: Faults | None = None,
        outbox: bool = True,
    ) -> None:
        self.rng, self.tasks, self.design, self.outbox = random.Random(seed), tasks, design, outbox
        self.time, self.ledger = VirtualTime(), Ledger()
        self.faults = faults or Faults(self.rng)
        self.network = Network(self.time, self.rng, self.faults, self._faulted, self._lagged, self._held_up)
        self.network.on_kill = self._killed
        self.database = Database(self.network)
        self.swept: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()  # To records, by the release that made them.
        self.arrivals = tasks
        self.tokens: set[str] = set()  # Of every claim.
        self._seed = seed
        self.stores: dict[str, SimulatedStore] = {}
        self.transports: dict[str, SimulatedTransport] = {}
        self.payloads: dict[str, SimulatedPayloads] = {}
        self.mappings: dict[str, Mapping] = {}
        for stack, options in stacks().items():
            self._build(stack, options)
        self.web = Web(self)
        self.deployed = False  # Are other tasks out?
        self.releases: dict[str, Release] = dict.fromkeys(ROLES, READING)  # Of who starts now.
        self.virtual, self.outbox_rows = Virtual(self.time), Outbox(self.network)

    def _build(self, stack: str, options: Any) -> None:
        kind = InvokedTransport if stack == DIRECT else SimulatedTransport

        def arrived(queue: str, delay: timedelta) -> None:
            self.mappings[stack].arrived(queue, delay)

        self.stores[stack] = SimulatedStore(self.network, self)
        self.payloads[stack] = SimulatedPayloads(self.network)
        visibility = timedelta(minutes=1) if stack == DIRECT else VISIBILITY
        self.transports[stack] = kind(
            self.network,
            arrived,
            lambda: self.time.now,
            visibility=visibility,
            max_receives=3 if stack == DIRECT else MOST_RECEIVES,
        )
        self.mappings[stack] = Mapping(self, options)

    def plan(self, wanted: Order, alias: str, after: float = 1.0) -> None:
        """Have a task enqueued some seconds after the start."""
        self.expect(after, lambda: self.web.place(wanted, alias))

    def expect(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something happen after some seconds, until when the sweeper goes on."""
        self.arrivals += 1

        def acted() -> None:
            self.arrivals -= 1
            act()

        self.time.after(timedelta(seconds=seconds), acted)

    def run(self) -> None:
        """Let everything happen, until all has ended or never will."""
        random.seed(self._seed)
        with self.patched():
            for _ in range(self.tasks):
                self.time.after(ARRIVALS * self.tasks * self.rng.random(), self._arrive)
            for _ in range(0, self.tasks, DEPLOYED):
                if self.rng.random() < DEPLOYS:
                    self.time.after(ARRIVALS * self.tasks * self.rng.random(), self._deploy)
            if self.tasks:
                self._roll_out()
            if self.design.sweeps:
                self.time.after(timedelta(seconds=60 * self.rng.random()), Schedule(self, self._more).tick)
            begun = self.time.now
            while self.time.step():
                if self.time.now > begun + END:
                    break
                if self.time.now > begun + HEALED:
                    self.faults.heal()

    def _arrive(self) -> None:
        self.arrivals -= 1
        self.web.enqueue()

    def _more(self) -> bool:
        """Tell whether there is still something to sweep for."""
        return bool(self.arrivals or self.ledger.open)

    def _deploy(self) -> None:
        """Release other tasks for some minutes; each delivery that meets them is a fault."""
        deploy(next_release())
        self.deployed = True
        for entry in self.ledger.entries.values():
            # Also one whose enqueue() stands still, or failed after its message had left.
            entry.deployed |= entry.ends <= entry.redrives

        def back() -> None:
            deploy(None)
            self.deployed = False

        self.time.after(timedelta(seconds=self.rng.randint(60, 500)), back)

    def _roll_out(self) -> None:
        """Have one release after the other, each for some time; in between, both have processes."""
        self.releases = dict.fromkeys(ROLES, deploys.ROLLOUT[0])
        span = ARRIVALS * self.tasks
        each = span / len(deploys.ROLLOUT)
        begins = [each * (number + self.rng.random()) for number in range(1, len(deploys.ROLLOUT))]
        for release, begin, end in zip(deploys.ROLLOUT[1:], begins, [*begins[1:], span], strict=True):
            for role in ROLES:
                at = begin + min(end - begin, LONGEST_ROLLOUT) * self.rng.random()
                self.time.after(at, partial(self.releases.__setitem__, role, release))

    def actor(self, role: str, skew: timedelta = NOTHING, ends: datetime | None = None) -> Actor:
        """Return a new process of a role, which has the release that is out for it."""
        return Actor(role, self.time, release=self.releases[role], skew=skew, ends=ends)

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[None]:
        """Have a process act, while whoever acted before waits."""
        before, self.network.actor = self.network.actor, actor
        try:
            yield
        finally:
            self.network.actor = before

    def process(self, role: str, lifetime: timedelta) -> Actor:
        """Return a new process of Lambda's, whose clock may be wrong."""
        skew = timedelta(0)
        if self.faults.strikes(Fault.SKEW):
            skew = timedelta(seconds=self.rng.uniform(-600, 600))
        return self.actor(role, skew, self.time.now + lifetime)

    def changed(self, task_id: str, change: ConditionalWrite, before: Attributes | None) -> None:
        """Be told of each write to a record."""
        actor = self.network.actor
        self.writes[actor.release.name] += 1
        if task_id in self.ledger.waiting:
            for other in self.network.late():
                self._held_up(other)
        decided = actor.role in READERS and change.name in DECISIONS
        if decided and actor.read.get(task_id) != self.ledger.version(task_id):
            self.ledger.violations[f"{change.name} on a stale read"] += 1
        if change.name == "claim":
            self._judge_claim(actor, change)
        self.ledger.changed(task_id, change, before, self.time.now, actor.clock())
        if change.name == "claim":
            actor.holds[task_id] = str(change.put.get("token"))
        elif change.name in {"succeed", "fail", "release", "unclaim"}:
            actor.holds.pop(task_id, None)

    def _judge_claim(self, actor: Actor, change: ConditionalWrite) -> None:
        """Note a token that is no fresh one, and a lease that doesn't end soon after its worker must."""
        token, lease = str(change.put["token"]), from_micros(int(change.put["lease_until"]))  # type: ignore[arg-type]
        if token in self.tokens:
            self.ledger.violations["a token of two claims"] += 1
        self.tokens.add(token)
        if actor.ends is not None:
            beyond = lease - actor.skew - actor.ends
            # The call may have stalled since its lease was computed.
            if not LEAST_MARGIN <= beyond <= MOST_MARGIN:
                self.ledger.violations[
                    "a lease too long" if beyond > MOST_MARGIN else "a lease too short"
                ] += 1

    def _faulted(self, actor: Actor, whom: str, fault: Fault) -> None:
        """Note a fault in a call for whom it concerns: a process that is gone does nothing for the others."""
        gone = fault in {Fault.KILL, Fault.STALL}
        self.ledger.fault({*ANY_ID.findall(whom), *actor.holds})
        if gone:
            self.struck(actor.given)
        if actor.role == "sweeper" and (gone or fault is Fault.THROTTLE):
            self.overlooked()  # Also a shard that throttles is left to the next sweep.

    def _held_up(self, actor: Actor) -> None:
        """Note that what a process has in hand waits for others: in the simulation, or in its batch."""
        self.ledger.disturb(found for body in actor.given for found in ID.findall(body))

    def _lagged(self, whom: str) -> None:
        """Note that a sweep doesn't see these tasks in its index: no fault, but its nature."""
        self.ledger.disturb(ANY_ID.findall(whom))

    def overlooked(self) -> None:
        """Note a fault of whatever is due for the sweeper at this moment."""
        self.ledger.fault(self.ledger.due(self.time.now))

    def _killed(self, actor: Actor) -> None:
        """Note until when each claim of a killed worker may stand in the way."""
        for task_id, token in actor.holds.items():
            for store in self.stores.values():
                record = store.inner.records.get(task_id)
                if record is not None and record.get("token") == token and "lease_until" in record:
                    lease, due = (record.get(name, 0) for name in ("lease_until", "due_at"))
                    self.ledger.killed(task_id, int(lease), int(due), self.time.now)  # type: ignore[arg-type]

    def effect(self, task_id: str, value: Any) -> Any:
        self.database.effect(task_id)
        return value

    def step(self, task_id: str, key: str, value: Any) -> Any:
        """Do what a step does: never where its result could have been found kept."""
        if (task_id, f"step#{key}") not in self.network.actor.absent:
            self.ledger.violations["a kept step ran again"] += 1
        return value

    def read(self, task_id: str) -> None:
        """Be told of each read of a record."""
        self.network.actor.read[task_id] = self.ledger.version(task_id)

    def looked(self, task_id: str, part: str, text: str | None) -> None:
        """Be told of each look for a part."""
        if text is None:
            self.network.actor.absent.add((task_id, part))

    def work(self, seconds: float) -> None:
        """Take time, and meet the deadlines that come meanwhile."""
        actor, until = self.network.actor, self.time.now + timedelta(seconds=seconds)
        self._held_up(actor)  # The tasks of a batch run one after the other.
        self.network.pass_by(actor, timedelta(seconds=seconds))
        if actor.ends is not None and self.time.now >= actor.ends:
            self.ledger.fault(actor.holds)  # Others took so long meanwhile that it became a stall.
        if actor.stops is not None and max(self.time.now, until) >= actor.stops:
            actor.stops = None
            raise DeadlineExceeded(seconds)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Stand in for worker.deadline.limited()."""
        actor = self.network.actor
        if seconds <= 0:
            raise DeadlineExceeded(seconds)
        actor.stops = self.time.now + timedelta(seconds=seconds)
        try:
            yield
        finally:
            actor.stops = None

    def struck(self, bodies: Iterable[str]) -> None:
        """Note a fault of the messages with these bodies."""
        self.ledger.fault(found for body in bodies for found in ID.findall(body))

    def execute(self, task: Any, context: Any, seconds: float) -> Outcome:
        """Run a task as the worker does, and note one that nobody enqueued so."""
        result = context.task_result
        entry = self.ledger.entries.get(result.id)
        if entry is None or (entry.args, {}) != (list(result.args), result.kwargs):
            self.ledger.violations["a forged body ran"] += 1
        return execute(task, context, seconds)

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Put this world in the place of AWS and of every clock."""
        with patched(self):
            stage.world = self
            yield
