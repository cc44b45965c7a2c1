"""What happens to unique tasks: calls of enqueue(), runs, faults, and what was wrong."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import FAILED, SUCCESSFUL

ENDS = {SUCCESSFUL, FAILED}
MINUTE, DAY = 60.0, 86_400.0
# Names of tasks, and whether a run has to begin after the call, because their keys are for waiting ones.
NAMES = {"sim.unique": False, "sim.queued": True, "sim.impatient": False}
# Of a task that was lost by its workers, or cancelled, no run needs to follow.
UNRUN = {"Cancelled", "WorkerLost", "DeadLettered", "Expired", "OutOfTime"}


@dataclass(slots=True)
class Call:
    """One call of enqueue(), from outside: it may be made once more, as the outbox does."""

    enqueued: EnqueuedTask
    began: datetime
    returned: str | None = None  # The id of the result.
    is_duplicate: bool = False


@dataclass(slots=True)
class Run:
    """One run of a task's function."""

    task_id: str
    began: datetime
    ended: datetime | None = None  # None: its process died.


@dataclass(slots=True, kw_only=True)
class Dice:
    """How often a call stalls or fails, each a share of one."""

    kill: float = 0.0
    stall: float = 0.0
    lost: float = 0.0
    error: float = 0.0
    longest: float = MINUTE
    latency: float = 0.01

    @property
    def none(self) -> bool:
        return not (self.kill or self.stall or self.lost or self.error)


# Of the process with a role, the call with a number: how many seconds it stalls (or that it dies, or has
# no reply), and whether the call is made before that.
KILLED, REFUSED = -1.0, -2.0
type Script = dict[tuple[str, int], tuple[float, bool]]


@dataclass(slots=True)
class Outcome:
    """What became of everything."""

    wrong: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def say(self, text: str, example: str) -> None:
        self.wrong[text] += 1
        if len(self.examples) < 5:
            self.examples.append(f"{text}: {example}")
