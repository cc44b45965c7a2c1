"""The settings as a stage's functions will have them, checked before anything is uploaded."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ...stack.layout import HANDLERS, Layout
from ..environment import of_a_function
from ..errors import ChecksFailed
from ..stage import Stage

_PROGRAM = """
import json
import django
from django.conf import settings
from django.core import checks
django.setup()
found = [found for found in checks.run_checks(include_deployment_checks=True) if not found.is_silenced()]
print(json.dumps({
    "debug": bool(settings.DEBUG),
    "hosts": list(settings.ALLOWED_HOSTS),
    "engines": {alias: database.get("ENGINE", "") for alias, database in settings.DATABASES.items()},
    "messages": [[one.level, one.id, str(one.msg), str(one.hint or "")] for one in found],
}))
"""
_ERROR, _WARNING = 40, 30
# What is told in the words of a stage; and that files are stale, which a deployment makes anew.
_TOLD = {
    *("security.W018", "security.W020"),
    *("django_offload.E022", "django_offload.W033", "django_offload.W035"),
}


def check(layout: Layout, stage: Stage, *, web: bool) -> list[str]:
    """
    Return the ids of warnings of `check --deploy`. Raise ChecksFailed with all that would not run.

    Settings are read in a process that has the environment of the stage's functions.
    """
    missing = [
        door.name
        for door in (HANDLERS / "lambdas").glob("*.py")
        if not (layout.root / "lambdas" / door.name).exists()
    ]
    if missing:
        raise ChecksFailed(
            stage.name, [f"lambdas/ lacks {', '.join(sorted(missing))}: run manage.py offload_init."]
        )
    said = _said(layout, stage)
    wrong = list(problems(said, stage.name, web=web))
    if wrong:
        raise ChecksFailed(stage.name, wrong)
    return [name for level, name, _, _ in said["messages"] if level == _WARNING and name not in _TOLD]


def problems(said: Mapping[str, Any], stage: str, *, web: bool) -> Iterator[str]:
    """Yield a sentence for each thing that would not run, or not be safe."""
    if said["debug"]:
        yield (
            "DEBUG is on, so visitors would see tracebacks and settings: turn it off for the functions, with "
            'DEBUG = os.environ.get("DEBUG") == "1" in the settings.'
        )
    if web and not said["hosts"]:
        yield (
            "ALLOWED_HOSTS is empty, so every request would be refused: let the settings read it, and name "
            f'the site\'s host in "environment" of infra/{stage}.json.'
        )
    for alias, engine in said["engines"].items():
        if engine.endswith(("sqlite3", "spatialite")):
            yield (
                f"DATABASES['{alias}'] is SQLite, of which each function would have one of its own: let the "
                f'settings read the address of a server, from "secrets" of infra/{stage}.json.'
            )
    for level, name, text, hint in said["messages"]:
        if level >= _ERROR and name not in _TOLD:
            yield " ".join(f"{text} ({name}) {hint}".split())


def _said(layout: Layout, stage: Stage) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=layout.root,
        env=of_a_function(layout, stage),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        last = (ran.stderr.strip().splitlines() or ["Python ended without a word"])[-1]
        raise ChecksFailed(
            stage.name,
            [
                f"the settings cannot be read as its functions read them ({last.rstrip('.')}): install here "
                f"what they need, and name variables and secrets in infra/{stage.name}.json. Where the "
                "placeholder of a secret is no good, set that variable for this command."
            ],
        )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])  # Settings may have printed something.
    return found
