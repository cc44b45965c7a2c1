"""
The proof, as a command: a million tasks through the real protocol, with everything going wrong.

    python -m tests.simulation.torture --tasks 1000000 --seed 7

Exit code 1 if anything was lost, duplicated, stuck or wrong, if recovery took too long, or if one of the
designs beside it did as well: then the simulation proves nothing.
"""

import argparse
import gc
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from random import SystemRandom

# Of one world; each has a seed of its own, made of the run's and its number.
WORLD = 10_000
PROCESSES = 2
# The designs to compare get a tenth of the tasks, and this many at least.
COMPARED, LEAST = 10, 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """One world to run in some process."""

    seed: str
    design: str
    tasks: int


def set_up() -> None:
    """Prepare a process: Django, a database in memory, silence."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.simulation.settings"
    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    # What a world leaves behind is collected after it: to look for garbage meanwhile finds next to none.
    gc.collect()
    gc.freeze()
    gc.disable()


def run_piece(piece: Piece) -> tuple[str, object]:
    """Run one world, and return its design and its report."""
    from .checker import check
    from .designs import OTHERS, OURS
    from .world import World

    design = next(design for design in (OURS, *OTHERS) if design.name == piece.design)
    world = World(piece.seed, piece.tasks, design)
    world.run()
    report = check(world)
    del world
    gc.collect()
    return piece.design, report


def pieces(seed: int, design: str, tasks: int) -> Iterator[Piece]:
    size = min(WORLD, -(-tasks // PROCESSES))
    for number in range(-(-tasks // size)):
        yield Piece(f"{seed}:{number}", design, min(size, tasks - number * size))


def show_progress(design: str, done: int, tasks: int) -> None:
    """Say on a terminal how far a design is; the next line takes its place."""
    if sys.stderr.isatty():
        end = "\n" if done >= tasks else ""
        print(f"\r{design}: {done:,} of {tasks:,} tasks", end=end, file=sys.stderr, flush=True)


def main() -> int:
    """Run what the command line asks for, print one table, and return the exit code."""
    parser = argparse.ArgumentParser(description="Simulate tasks and faults, and count what is lost.")
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None, help="replays a run exactly")
    arguments = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if arguments.seed is None else arguments.seed
    print(f"seed {seed}: replay with SEED={seed} TASKS={arguments.tasks}", flush=True)
    set_up()
    from .designs import OTHERS, OURS
    from .table import BOUND, Row, show

    rows = []
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=set_up) as pool:
        begun, compared = time.monotonic(), max(arguments.tasks // COMPARED, LEAST)
        every = {OURS.name: arguments.tasks, **{design.name: compared for design in OTHERS}}
        # All handed over at once: no process waits for the other where a design ends.
        running = {name: pool.map(run_piece, pieces(seed, name, tasks)) for name, tasks in every.items()}
        for name, reports in running.items():
            row = Row(name)
            for _, report in reports:
                row.report.add(report)  # type: ignore[arg-type]
                show_progress(name, row.report.counts["attempted"], every[name])
            row.seconds, begun = time.monotonic() - begun, time.monotonic()
            rows.append(row)
    print(show(rows))
    ours, others = rows[0].report, [row.report for row in rows[1:]]
    recovered = ours.recovery(0.99, undisturbed=True) <= BOUND
    return 0 if ours.sound and recovered and not any(other.sound for other in others) else 1


if __name__ == "__main__":
    sys.exit(main())
