"""
A few processes and one key, in every order that one or two of them can bring about by a stall or their death.

A script says which call of which process stalls, for how long, or kills it, before or after the call is made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from .unique_events import DAY, KILLED, MINUTE, REFUSED, Dice, Outcome, Script
from .unique_worlds import ask_again, surviving
from .uniques import Uniques

KEY, QUEUED, IMPATIENT = ("sim.unique", 1), ("sim.queued", 2), ("sim.impatient", 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What several processes do, each at its time, and which of their calls may be struck."""

    key: tuple[str, int]
    begin: Callable[[Uniques], None]
    calls: dict[str, int]  # By role: how many, from the first.
    stalls: tuple[float, ...] = (1.0, 45.0, 400.0)
    workers: int = 2
    works_after: float = 0.0
    failing: int = 0
    seconds: float = 3.0
    sweep_every: float = MINUTE


def web(world: Uniques, role: str, after: float, act: Callable[[], object]) -> None:
    world.enqueuing(lambda: surviving(world, act), after, role)


def redrive_failed(world: Uniques) -> None:
    for task_id in [one for one, record in world.table.records.items() if record.get("status") == "FAILED"]:
        world.redrive(task_id)


def redriven(world: Uniques) -> None:
    """A task failed; it is redriven while two others ask for its key."""
    web(world, "first", 0, lambda: world.enqueue(KEY))
    web(world, "redrives", 360, lambda: redrive_failed(world))
    web(world, "second", 360.005, lambda: world.enqueue(KEY))
    web(world, "third", 363, lambda: world.enqueue(KEY))
    web(world, "fourth", 420, lambda: world.enqueue(KEY))


def overdue(world: Uniques) -> None:
    """A task waits for longer than it may; two others would replace it, and a third comes later."""
    web(world, "first", 0, lambda: world.enqueue(IMPATIENT))
    web(world, "second", 100, lambda: world.enqueue(IMPATIENT))
    web(world, "third", 100.005, lambda: world.enqueue(IMPATIENT))
    web(world, "fourth", 500, lambda: world.enqueue(IMPATIENT))


def postponed(world: Uniques, until: float = 1_500) -> None:
    """A task may wait for 90 seconds and starts much later, so another replaces it."""
    web(world, "first", 0, lambda: world.enqueue(IMPATIENT, later=until))
    web(world, "second", 100, lambda: world.enqueue(IMPATIENT))
    web(world, "fourth", until + 500, lambda: world.enqueue(IMPATIENT))


def retried(world: Uniques) -> None:
    """A task starts and fails while another process, which has seen it wait, would replace it."""
    postponed(world, 380)


def missing(world: Uniques) -> None:
    """A process takes the key and stalls, or dies, before anything is sent; others come."""
    web(world, "first", 0, lambda: world.enqueue(KEY))
    web(world, "second", 5, lambda: world.enqueue(KEY))
    web(world, "third", 1.5 * DAY, lambda: world.enqueue(KEY))
    web(world, "fourth", 1.5 * DAY + 0.005, lambda: world.enqueue(KEY))


def waiting_only(world: Uniques) -> None:
    """Of a key for waiting tasks one runs, is lost and comes again, while others wait."""
    web(world, "first", 0, lambda: world.enqueue(QUEUED))
    web(world, "second", 2, lambda: world.enqueue(QUEUED))
    web(world, "third", 4, lambda: world.enqueue(QUEUED, QUEUED))
    web(world, "redrives", 120, lambda: redrive_failed(world))
    web(world, "fourth", 120.005, lambda: world.enqueue(QUEUED))


def sent_again(world: Uniques) -> None:
    """An occurrence, or a row of the outbox, is sent three times while others ask for its key."""
    web(world, "first", 0, lambda: world.enqueue(IMPATIENT))
    web(world, "again", 0.005, lambda: world.send(world.calls[:1], again=True))
    web(world, "second", 30, lambda: world.enqueue(IMPATIENT))
    web(world, "third", 130, lambda: world.send(world.calls[:1], again=True))
    web(world, "fourth", 200, lambda: world.send(world.calls[:1], again=True))


STORIES: dict[str, Story] = {
    "redriven": Story(
        key=KEY,
        begin=redriven,
        calls={"redrives": 6, "second": 4, "third": 3, "worker 0": 12, "worker 1": 12},
        failing=2,
        seconds=100.0,
    ),
    "overdue": Story(
        key=IMPATIENT,
        begin=overdue,
        calls={"second": 8, "third": 8, "worker 0": 6, "sweeper": 4},
        works_after=105,
        stalls=(6.0, 420.0, 1_000.0),
        failing=1,
        seconds=170.0,
    ),
    "postponed": Story(
        key=IMPATIENT, begin=postponed, calls={"second": 8, "worker 0": 6, "sweeper": 4}, stalls=(45.0, 420.0)
    ),
    "retried": Story(
        key=IMPATIENT,
        begin=retried,
        calls={"second": 8, "worker 0": 6, "worker 1": 6},
        stalls=(45.0, 342.0),
        failing=1,
        seconds=60.0,
        sweep_every=20.0,
    ),
    "missing": Story(
        key=KEY,
        begin=missing,
        calls={"first": 3, "second": 7, "third": 7, "fourth": 5},
        stalls=(45.0, 1.6 * DAY),
    ),
    "waiting only": Story(
        key=QUEUED,
        begin=waiting_only,
        calls={"first": 3, "second": 4, "third": 4, "worker 0": 8, "worker 1": 8, "redrives": 5},
        failing=2,
        seconds=10.0,
    ),
    "sent again": Story(
        key=IMPATIENT,
        begin=sent_again,
        calls={"first": 3, "again": 4, "second": 5, "third": 8, "worker 0": 6},
        stalls=(45.0, 150.0, 500.0),
    ),
}


def told(name: str, script: Script) -> tuple[Uniques, Outcome]:
    """Return what becomes of a story with some of its calls struck."""
    story = STORIES[name]
    world = Uniques(name, Dice())
    long = max(story.stalls) > DAY
    idle, every = (600.0, 1_800.0) if long else (1.0, story.sweep_every)
    world.script, world.failing, world.work_seconds = script, story.failing, story.seconds
    with world.patched():
        story.begin(world)
        world.serve(story.workers, idle=idle, sweep_every=every, after=story.works_after)
        world.turns.run()
        ask_again(world, [story.key], idle)
    return world, world.check()


def strikes(name: str) -> list[tuple[tuple[str, int], tuple[float, bool]]]:
    story = STORIES[name]
    return [
        ((role, call), (seconds, applied))
        for role, calls in story.calls.items()
        for call in range(1, calls + 1)
        for seconds in (KILLED, REFUSED, *story.stalls)
        for applied in (False, True)
    ]


def scripts(name: str, most: int) -> Iterator[Script]:
    """Yield every script of at most so many strikes."""
    for count in range(most + 1):
        for chosen in combinations(strikes(name), count):
            if len({call for call, _ in chosen}) == count:
                yield dict(chosen)
