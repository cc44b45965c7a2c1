"""List the package's tasks with their modules, so that a worker's start imports only those it needs."""

from pathlib import Path

from ...definition.registry import LISTING
from ...stack.stage_environment import StageEnvironment
from ..environment import ANY_FUNCTION, FunctionFacts, last_error, package_environment, run_python

_PROGRAM = """
import django
django.setup()
from django_offload.definition.registry import listing_text
print(listing_text())
"""


def write(
    folder: Path,
    settings_module: str,
    source_root: str,
    stage_environment: StageEnvironment,
    function: FunctionFacts = ANY_FUNCTION,
) -> str | None:
    """
    Write the list of tasks into the project's copy in `folder`. Return None, or the error if that fails.

    The package works without the list, but then a start imports every task module. So it does where the
    settings declare other modules than here.
    """
    environ = package_environment(folder, settings_module, source_root, stage_environment, function)
    process = run_python(_PROGRAM, folder, environ)
    if process.returncode != 0:
        return last_error(process)
    # The settings may have printed something before the last line.
    (folder / LISTING).write_text(process.stdout.splitlines()[-1])
    return None
