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

from .torture import set_up

THREADS, KEYS = 32, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description="Enqueue unique tasks, and count what is lost or taken.")
    parser.add_argument("--enqueues", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None, help="replays a run exactly")
    arguments = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if arguments.seed is None else arguments.seed
    print(f"seed {seed}: replay with SEED={seed} ENQUEUES={arguments.enqueues}", flush=True)
    set_up()
    from . import unique_scripts, unique_worlds
    from .unique_events import Dice, Outcome
    from .uniques import Uniques

    share = arguments.enqueues / 100_000

    bad = 0

    def show(title: str, worlds: list[tuple[Uniques, Outcome]], begun: float) -> None:
        nonlocal bad
        wrong, counts, faults = Counter[str](), Counter[str](), Counter[str]()
        for world, outcome in worlds:
            wrong += outcome.wrong
            counts += outcome.counts
            faults += world.faults
        bad += wrong.total()
        runs = sum(len(found) for world, _ in worlds for found in world.runs.values())
        names = (
            "returned",
            "duplicates",
            "ended unrun",
            "end as duplicate",
            "renew key",
            "redrive",
            "asked again",
        )
        print(
            f"{title}: {time.monotonic() - begun:.0f} s, {runs:,} runs, "
            f"{faults.total():,} faults {dict(faults)}"
        )
        print("  " + ", ".join(f"{name} {counts[name]:,}" for name in names))
        print(f"  wrong: {dict(wrong) or 0}", flush=True)
        for _, outcome in worlds:
            for example in outcome.examples[:1]:
                print(f"  {example}")

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
    print(f"wrong in all: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
