"""
The proof of unique tasks, as a command: many enqueues of few keys, with kills and stalls of a minute.

    python -m tests.simulation.unique_proof --enqueues 100000 --seed 7

Exit code 1 if two tasks of one key ever ran at once, if a call that returned was lost, or if a key stays
taken.
"""

import argparse
import random
import sys
import time
from collections import Counter
from random import SystemRandom
from typing import TYPE_CHECKING

from .torture import set_up

if TYPE_CHECKING:
    from .unique_events import Outcome
    from .uniques import Uniques

THREADS, KEYS = 32, 1_000
# What is printed of each set of worlds.
COUNTED = ("returned", "duplicates", "ended unrun", "end as duplicate", "renew key", "redrive", "asked again")


def main() -> int:
    parser = argparse.ArgumentParser(description="Enqueue unique tasks, and count what is lost or taken.")
    parser.add_argument("--enqueues", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None, help="replays a run exactly")
    arguments = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if arguments.seed is None else arguments.seed
    print(f"seed {seed}: replay with SEED={seed} ENQUEUES={arguments.enqueues}", flush=True)
    set_up()
    from . import unique_scripts, unique_worlds
    from .unique_events import Dice

    share = arguments.enqueues / 100_000

    wrong_of = []

    def show(title: str, worlds: "list[tuple[Uniques, Outcome]]", begun: float) -> None:
        wrong_of.append(report(title, worlds, time.monotonic() - begun))

    begun = time.monotonic()
    dice = Dice(kill=0.01, stall=0.01, lost=0.02, error=0.01)
    found = unique_worlds.busy(
        seed, arguments.enqueues, keys=KEYS, threads=THREADS, workers=40, gap=1.0, dice=dice, idle=2.0
    )
    show(f"{arguments.enqueues:,} enqueues of {KEYS:,} keys by {THREADS} threads", [found], begun)
    begun, count = time.monotonic(), max(round(1_000 * share), 1)
    show(f"{count:,} small worlds", [unique_worlds.small(f"{seed}:{n}") for n in range(count)], begun)
    begun, count = time.monotonic(), max(round(30 * share), 1)
    show(f"{count} slow worlds", [unique_worlds.slow(f"{seed}:{n}", 160) for n in range(count)], begun)
    rng = random.Random(seed)
    for name in unique_scripts.STORIES:
        begun = time.monotonic()
        scripts = list(unique_scripts.scripts(name, 1))
        strikes = unique_scripts.strikes(name)
        scripts += [dict(rng.sample(strikes, 2)) for _ in range(round(300 * share))]
        chosen = scripts if share >= 1 else rng.sample(scripts, max(int(len(scripts) * share), 1))
        show(
            f"{name}, {len(chosen)} scripts", [unique_scripts.told(name, script) for script in chosen], begun
        )
    print(f"wrong in all: {sum(wrong_of)}")
    return 1 if sum(wrong_of) else 0


def report(title: str, worlds: "list[tuple[Uniques, Outcome]]", seconds: float) -> int:
    """Print what happened in worlds, and return how often something in them was wrong."""
    wrong, counts, faults = Counter[str](), Counter[str](), Counter[str]()
    for world, outcome in worlds:
        wrong += outcome.wrong
        counts += outcome.counts
        faults += world.faults
    runs = sum(len(found) for world, _ in worlds for found in world.runs.values())
    print(f"{title}: {seconds:.0f} s, {runs:,} runs, {faults.total():,} faults {dict(faults)}")
    print("  " + ", ".join(f"{name} {counts[name]:,}" for name in COUNTED))
    print(f"  wrong: {dict(wrong) or 0}", flush=True)
    for _, outcome in worlds:
        for example in outcome.examples[:1]:
            print(f"  {example}")
    return wrong.total()


if __name__ == "__main__":
    sys.exit(main())
