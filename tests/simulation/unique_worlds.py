"""Worlds of unique tasks, by a seed: busy ones, slow ones with stalls of a day, and small ones."""

from collections.abc import Callable, Sequence
from typing import Any

from .faults import Killed
from .unique_events import DAY, MINUTE, NAMES, Call, Dice, Outcome
from .uniques import Uniques

STALLING = 1.2 * DAY


def keys_of(count: int) -> list[tuple[str, int]]:
    names = list(NAMES)
    return [(names[number % len(names)], number) for number in range(count)]


def act(world: Uniques, keys: list[tuple[str, int]]) -> None:
    """Do one of the things that web processes do; mostly, enqueue a task."""
    rng, roll = world.rng, world.rng.random()
    latest = world.calls[-20:]
    if roll < 0.78 or not latest:
        world.enqueue(rng.choice(keys))
    elif roll < 0.82:
        world.enqueue(*(rng.choice(keys) for _ in range(3)))
    elif roll < 0.87:
        world.cancel(rng.choice(latest))
    elif roll < 0.95:
        failed = [
            task_id for task_id, record in world.table.records.items() if record.get("status") == "FAILED"
        ]
        if failed:
            world.redrive(rng.choice(failed[-10:]))
    else:
        world.send([rng.choice(latest)], again=True)


def surviving(world: Uniques, act: Callable[[], Any]) -> None:
    """Act as a process that may be killed. Another takes its place."""
    world.turns.process.skew = world.skew()
    try:
        act()
    except Killed:
        if world.turns.ended:
            raise


def busy(
    seed: object,
    enqueues: int,
    *,
    keys: int = 5,
    threads: int = 8,
    workers: int = 4,
    gap: float = 4.0,
    dice: Dice | None = None,
    fails: float = 0.2,
    idle: float = 0.5,
    sweep_every: float = MINUTE,
) -> tuple[Uniques, Outcome]:
    """Have many processes enqueue a few keys, with everything going wrong."""
    world = Uniques(seed, dice or Dice(kill=0.02, stall=0.02, lost=0.03, error=0.02))
    world.fails, chosen = fails, keys_of(keys)

    def enqueue() -> None:
        for _ in range(enqueues // threads):
            world.turns.pause(world.rng.random() * 2 * gap)
            surviving(world, lambda: act(world, chosen))

    with world.patched():
        for _ in range(threads):
            world.enqueuing(enqueue, world.rng.random())
        world.serve(workers, idle=idle, sweep_every=sweep_every)
        world.turns.run()
        ask_again(world, chosen, idle)
    return world, world.check()


def slow(seed: object, enqueues: int) -> tuple[Uniques, Outcome]:
    """Have processes stall for more than a day, in which a key without a record is given up."""
    dice = Dice(kill=0.02, stall=0.03, lost=0.03, error=0.02, longest=STALLING)
    return busy(seed, enqueues, gap=3_000.0, dice=dice, idle=120.0, sweep_every=600.0)


def small(seed: object) -> tuple[Uniques, Outcome]:
    """Have two enqueue one key, one work and one redrive or cancel, in any order of their calls."""
    world = Uniques(seed, Dice())
    rng = world.rng
    stalls = rng.choice((0.0, 0.1, 0.25))
    world.dice = Dice(
        kill=rng.choice((0.0, 0.05)), stall=stalls, lost=0.02, longest=rng.choice((MINUTE, 600.0, STALLING))
    )
    world.fails, world.work_seconds = 0.5, rng.choice((0.05, 40.0))
    key = (rng.choice(list(NAMES)), 1)
    every = max(rng.choice((MINUTE, 600.0)), world.dice.longest / 30)

    def enqueue() -> None:
        for _ in range(2):
            surviving(world, lambda: world.enqueue(*[key] * rng.choice((1, 1, 1, 2))))
            world.turns.pause(rng.choice((0.02, 100.0, world.dice.longest)))

    def meddle() -> None:
        for _ in range(3):
            world.turns.pause(rng.choice((0.02, 5.0, 100.0)))
            surviving(world, lambda: act_on(world))

    with world.patched():
        for number in range(3):
            world.enqueuing(enqueue, rng.random() * rng.choice((0.05, 5.0, 100.0)) * number)
        world.enqueuing(meddle)
        world.serve(2, idle=every / 10, sweep_every=every)
        world.turns.run()
        ask_again(world, [key], every / 10)
    return world, world.check()


def act_on(world: Uniques) -> None:
    """Redrive what has failed; or else cancel a task, or send it once more."""
    failed = [task_id for task_id, record in world.table.records.items() if record.get("status") == "FAILED"]
    if failed and world.rng.random() < 0.7:
        world.redrive(world.rng.choice(failed))
    elif world.calls and world.rng.random() < 0.3:
        world.cancel(world.rng.choice(world.calls))
    elif world.calls:
        world.send([world.rng.choice(world.calls)], again=True)


def ask_again(world: Uniques, keys: Sequence[tuple[str, int]], idle: float = 0.5) -> None:
    """Enqueue every key once more, when nothing goes wrong any longer: each call leads to a run after it."""
    world.dice, world.fails, world.script = Dice(latency=world.dice.latency), 0.0, None
    later: list[Call] = []

    def ask() -> None:
        for key in keys:
            later.extend(world.enqueue(key))

    world.enqueuing(ask)
    world.serve(4, idle=idle)
    world.turns.run()
    for call in later:
        # Of a key that a dead process had taken, this call sends the task.
        runs = world.runs[str(call.returned)]
        if not any(run.began >= call.began and run.ended for run in runs):
            world.outcome.say("a key stays taken", str(call))
    world.outcome.counts["asked again"] += len(later)
