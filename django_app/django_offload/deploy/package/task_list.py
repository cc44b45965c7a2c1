"""The list of a package's tasks: which module to import for each, so that a start imports no other."""

import subprocess
import sys
from pathlib import Path

from ...definition.registry import LISTING
from ...stack.stage_environment import StageEnvironment
from ..environment import of_a_package

_PROGRAM = """
import json
import django
django.setup()
from django_offload.definition.registry import registry
print(json.dumps(registry().listed, sort_keys=True))
"""


def write(folder: Path, settings_module: str, source_root: str, surroundings: StageEnvironment) -> str | None:
    """
    Write the list of the project's tasks into its copy in `folder`; return why there is none, else None.

    Without it the package works as well: a start imports every task module.
    """
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=folder,
        env=of_a_package(folder, settings_module, source_root, surroundings),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        return (ran.stderr.strip().splitlines() or ["Python ended without a word"])[-1]
    (folder / LISTING).write_text(ran.stdout.splitlines()[-1])  # The settings may have printed something.
    return None
