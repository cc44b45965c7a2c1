"""Choose the Python of a project's functions: the one that the project runs on, if Lambda has it."""

import sys
from collections.abc import Mapping
from typing import Any

from ...stack.parameters import DEFAULT_RUNTIME, RUNTIMES


def function_runtime(settings: Mapping[str, Any] | None = None) -> str:
    """Return the runtime in a stage's Zappa settings, or else this Python's, if functions can have it."""
    preferred = ((settings or {}).get("runtime"), own_runtime())
    return next((runtime for runtime in preferred if runtime in RUNTIMES), DEFAULT_RUNTIME)


def runtime_note(runtime: str) -> str | None:
    """Return a note if functions can't have this project's Python and get `runtime` instead, or None."""
    if own_runtime() in RUNTIMES:
        return None
    version = runtime.removeprefix("python")
    return (
        f'Functions cannot use this project\'s {own_runtime()}, so their "Runtime" in infra/ is {runtime}. '
        f"Your code must run on that too, and packaging needs Python {version} on this machine."
    )


def own_runtime() -> str:
    """Return the name that Lambda would give to the Python that runs this."""
    return "python{}.{}".format(*sys.version_info[:2])
