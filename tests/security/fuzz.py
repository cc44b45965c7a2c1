"""make fuzz: a million inputs for what reads texts from outside, and every forgery of three messages."""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from secrets import randbelow
from typing import Any

PROCESSES = 2
# Hypothesis remembers what it has tried, and gets slower with it. A chunk has a memory and a seed of its own.
CHUNK = 1_000
INPUTS = 1_000_000


@dataclass(frozen=True)
class Crash:
    """The smallest input that a target raised for."""

    target: str
    literal: str
    error: str

    def __str__(self) -> str:
        return (
            f"{self.target} raised {self.error}\n"
            "    Paste the input into a test of tests/security/test_fuzz.py:\n"
            f"    CRASHED = ({self.target!r}, {self.literal})"
        )


@dataclass(frozen=True)
class Outcome:
    """What became of the inputs of a chunk."""

    target: str
    accepted: int
    refused: int
    seconds: float
    crash: Crash | None = None


@contextmanager
def site() -> Iterator[None]:
    """Have this process serve tests.unit.http.site_of_pieces, with AWS in memory."""
    from django.test import override_settings

    from django_offload.testing import Offload
    from tests.contract.setup import tasks_setting

    setting = tasks_setting(modules=["tests.unit.tasks", "tests.contract.tasks"])
    urls = "tests.unit.http.site_of_pieces"
    with override_settings(TASKS=setting, ROOT_URLCONF=urls), Offload().active():
        yield


def set_up() -> None:
    """Set Django up in a process of its own, with a database in memory and without a log."""
    import django
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    from django.db import connection

    from django_offload.definition.registry import task_modules

    # A task is checked against TASKS where it is defined, and the targets have another TASKS.
    task_modules([])

    connection.creation.create_test_db(verbosity=0)
    logging.disable(logging.CRITICAL)


def chunk_seed(seed: int, target: str, number: int) -> int:
    return int(sha256(f"{seed}:{target}:{number}".encode()).hexdigest()[:8], 16)


def run_chunk(name: str, count: int, seed: int) -> Outcome:
    """Give a target so many inputs, and return what became of them; the crash is shrunk."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    from tests.security.fuzz_targets import TARGETS

    target, counts, last = TARGETS[name], Counter[bool](), [None]

    @seeded(seed)
    @settings(
        max_examples=-(-count // target.inputs_per_example),
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def examine(value: Any) -> None:
        for each in (value, *target.variants(value)):
            last[0] = each
            counts[target.run(each)] += 1

    began, crash = time.process_time(), None
    try:
        with site():
            examine()
    except Exception as exc:  # noqa: BLE001, any exception is a crash
        crash = Crash(name, repr(last[0]), f"{type(exc).__name__}: {exc}"[:500])
    return Outcome(name, counts[True], counts[False], time.process_time() - began, crash)


def run_forgeries(name: str) -> Outcome:
    """Try every byte at every place of a message."""
    from tests.security.forgeries import EVERY_BYTE, MESSAGES, TELLING, accepted, forgeries

    began = time.process_time()
    count, found = accepted(MESSAGES[name], forgeries(MESSAGES[name], [*EVERY_BYTE, *TELLING[-3:]]))
    crash = (
        Crash("decoder", repr(found[0]), f"nothing: {len(found)} forgeries were accepted") if found else None
    )
    return Outcome("forgeries", len(found), count - len(found), time.process_time() - began, crash)


def run(inputs: int, seed: int) -> list[Outcome]:
    """Share the inputs among targets and processes, and return what became of each chunk."""
    from tests.security.forgeries import MESSAGES
    from tests.security.fuzz_targets import TARGETS

    chunks = [
        (name, min(CHUNK, total - start), chunk_seed(seed, name, start))
        for name, target in TARGETS.items()
        if (total := -(-inputs * target.share // 100))
        for start in range(0, total, CHUNK)
    ]
    chunks.sort(key=lambda chunk: chunk[2])  # So that every target has its turn early.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=set_up) as pool:
        forged = [pool.submit(run_forgeries, name) for name in MESSAGES]
        tried = [pool.submit(run_chunk, *chunk) for chunk in chunks]
        outcomes = [each.result() for each in forged]
        for number, each in enumerate(tried, 1):
            outcomes.append(each.result())
            if number * 10 // len(tried) > (number - 1) * 10 // len(tried):
                print(f"{number * 10 // len(tried)}0 %", end=" ", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return outcomes


def table(outcomes: list[Outcome], seconds: float) -> Iterator[str]:
    """Yield a line for each target, and one for all of them."""
    yield f"{'target':<20}{'inputs':>10}{'accepted':>10}{'refused':>10}{'a second':>10}"
    for name in dict.fromkeys(outcome.target for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.target == name]
        accepted, refused = sum(each.accepted for each in own), sum(each.refused for each in own)
        rate = (accepted + refused) / max(sum(each.seconds for each in own), 0.001)
        yield f"{name:<20}{accepted + refused:>10,}{accepted:>10,}{refused:>10,}{rate:>10,.0f}"
    total = sum(each.accepted + each.refused for each in outcomes if each.target != "forgeries")
    yield "A second of one processor, that is: the machine may have had other work."
    yield f"{total:,} inputs besides the forgeries, in {seconds:,.0f} s with {PROCESSES} processes."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = randbelow(10**9) if given.seed is None else given.seed
    print(f"{given.inputs:,} inputs, SEED={seed}", flush=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()  # The targets import tasks and models.
    began = time.monotonic()
    outcomes = run(given.inputs, seed)
    print("\n".join(table(outcomes, time.monotonic() - began)))
    crashes = {outcome.crash.error: outcome.crash for outcome in outcomes if outcome.crash}
    for crash in crashes.values():
        print(f"CRASH  {crash}")
    print(f"Repeat it with make fuzz SEED={seed}" if crashes else "No input brought about a crash.")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
