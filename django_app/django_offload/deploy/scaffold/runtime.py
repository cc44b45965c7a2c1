"""Which of Lambda's Pythons a project's functions get: where it is known what the project runs on, that."""

import sys
from collections.abc import Mapping
from typing import Any

from ...stack.parameters import DEFAULT_RUNTIME, RUNTIMES


def runtime(zappas: Mapping[str, Any] | None = None) -> str:
    """Return what Zappa's settings of a stage say, else this Python, where functions can have it."""
    wanted = ((zappas or {}).get("runtime"), own())
    return next((found for found in wanted if found in RUNTIMES), DEFAULT_RUNTIME)


def note(given: str) -> str | None:
    """Return what to know of functions that are `given` a Python, since they cannot have this project's."""
    if own() in RUNTIMES:
        return None
    version = given.removeprefix("python")
    return (
        f'Functions cannot have this project\'s {own()}; their "Runtime" in infra/ is {given}. '
        f"Code must run on that as well, and packaging takes a Python {version} on this machine."
    )


def own() -> str:
    return "python{}.{}".format(*sys.version_info[:2])
