"""
Plant every mutant, and print what finds each of them.

    python -m tests.simulation.mutants.report

Exit code 1 if one is found by nothing, or if something is found in the protocol as it is.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from typing import Any
from unittest import mock

from tests.simulation.torture import PROCESSES, set_up

WALKS, WIDTH = 400, 62
# Seconds of the processor that worlds and promises may take: they need three, and a mutant may never end. By
# the clock of a busy machine, the protocol itself would take longer.
LONGEST = 20.0
NONE = "the protocol as it is"


def planted() -> dict[str, AbstractContextManager[Any]]:
    """Return each mutant by its name, as what plants it."""
    from tests.simulation.mutants.generated import mutants
    from tests.simulation.mutants.planted import MUTANTS

    by_hand = {
        mutant.name: mock.patch.object(mutant.target, mutant.attribute, mutant.defect) for mutant in MUTANTS
    }
    return {NONE: nullcontext(), **{mutant.name: mutant.planted() for mutant in mutants()}, **by_hand}


class Endless(BaseException):
    """A mutant goes on and on. No handler of the protocol may catch this."""


def stop(*args: object) -> None:
    raise Endless(f"not at its end after {LONGEST:.0f} s")


def first(found: Callable[[], Iterator[str]], rotten: tuple[type[Exception], ...] = ()) -> str:
    """
    Return the first that finds a mutant, in words, or "".

    An exception is a way to find it, except one by which a patch shows that it fits the code no longer.
    """
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        return next(found(), "")
    except rotten:
        return ""
    except (Exception, Endless) as exc:  # noqa: BLE001, however a defect shows
        return f"{type(exc).__name__}: {exc}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def judge(name: str) -> tuple[str, dict[str, str]]:
    """Return what finds a mutant: walks, promises, worlds."""
    from tests.simulation.deploys import deploy
    from tests.simulation.mutants.judges import ROTTEN, found_in_worlds, promises_broken
    from tests.simulation.mutants.planted import MUTANTS
    from tests.simulation.walk import walks

    deploy(None)
    rotten = ROTTEN if name in {mutant.name for mutant in MUTANTS} else ()
    with planted()[name]:
        return name, {
            "walk": first(lambda: walks(WALKS), rotten),
            "promise": first(promises_broken, rotten),
            "world": first(found_in_worlds, rotten),
        }


def main() -> int:
    """Judge every mutant, print a line for each, and return the exit code."""
    set_up()
    began, names, unfound, sums = (
        time.monotonic(),
        list(planted()),
        [],
        dict.fromkeys(("walk", "promise", "world"), 0),
    )
    print(f"{'mutant':<{WIDTH}}{'walk':<6}{'world':<6}promise")
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=set_up) as pool:
        for name, found in pool.map(judge, names):
            marks = {judge: "yes" if text else "-" for judge, text in found.items()}
            print(
                f"{name:<{WIDTH}}{marks['walk']:<6}{marks['world']:<6}{found['promise'] or '-'}", flush=True
            )
            if any(found.values()) == (name == NONE):
                unfound.append(f"{name}: {found if name == NONE else 'found by nothing'}")
            for judge_name, text in found.items():
                sums[judge_name] += bool(text)
    count = len(names) - 1
    by = ", ".join(f"{total} by a {judge_name}" for judge_name, total in sums.items())
    print(f"{count} mutants, {count - len(unfound)} found ({by}) in {time.monotonic() - began:.0f} s")
    print(*unfound, sep="\n")
    return 1 if unfound else 0


if __name__ == "__main__":
    sys.exit(main())
