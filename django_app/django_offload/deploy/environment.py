"""What the functions of a stage will have in their environment, for programs that run here instead."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..stack.layout import Layout
from ..stack.stage_environment import StageEnvironment
from .stage import Stage

# No value of a secret is needed to make a package or to check settings; those that want one get this.
PLACEHOLDER = "stands-for-a-secret-while-a-package-is-made-and-settings-are-checked"
# What settings take apart must be whole.
_URLS = {
    "DATABASE_URL": f"postgresql://stands:{PLACEHOLDER}@localhost:5432/stands",
    "_URL": "https://stands.invalid/",
}
# Of this machine; all else of the shell's is nothing that a function has.
_OF_THE_MACHINE = {
    *(
        "HOME",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "PATH",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "TMPDIR",
        "VIRTUAL_ENV",
    ),
}


def of_a_package(
    folder: Path, settings_module: str, source_root: str, surroundings: StageEnvironment
) -> dict[str, str]:
    """Return the environment in which the project's copy in `folder` runs here as it will when deployed."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {
        **_placeholders(surroundings),
        **environ,
        "DEBUG": "0",
        **surroundings.environment,
        # Whoever packages may have the real one at hand; it is not needed.
        "SECRET_KEY": PLACEHOLDER,
        "DJANGO_SETTINGS_MODULE": settings_module,
        "PYTHONPATH": os.pathsep.join([str(folder / source_root), str(folder)]),
        # Not the copy's: bytecode for Lambda is made later, in one way.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def of_a_function(layout: Layout, stage: Stage) -> dict[str, str]:
    """Return what a function of the stage has, and of this machine what Python needs to start."""
    secrets = stage.surroundings.secrets
    kept = {key: value for key, value in os.environ.items() if key in _OF_THE_MACHINE or key in secrets}
    return {
        **_placeholders(stage.surroundings),
        **kept,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{stage.runtime}",
        "AWS_DEFAULT_REGION": stage.region,
        **stage.surroundings.environment,
        "DJANGO_SETTINGS_MODULE": layout.settings_module,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(layout.source), str(layout.root), *sys.path])),
    }


def _placeholders(surroundings: StageEnvironment) -> Mapping[str, str]:
    return {name: _placeholder(name) for name in surroundings.secrets}


def _placeholder(name: str) -> str:
    return next((value for ending, value in _URLS.items() if name.endswith(ending)), PLACEHOLDER)
