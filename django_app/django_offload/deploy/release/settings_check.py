"""Check the settings as a stage's functions will have them, before anything is uploaded."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...stack.layout import HANDLERS, Layout
from .. import Announce
from ..environment import function_environment, last_error, run_python
from ..errors import ChecksFailed
from ..stage import Stage

_PROGRAM = """
import json
import django
from django.conf import settings
from django.core import checks
django.setup()
messages = checks.run_checks(include_deployment_checks=True)
print(json.dumps({
    "debug": bool(settings.DEBUG),
    "hosts": list(settings.ALLOWED_HOSTS),
    "engines": {alias: database.get("ENGINE", "") for alias, database in settings.DATABASES.items()},
    "messages": [[one.level, one.id, str(one.msg), str(one.hint or "")]
                 for one in messages if not one.is_silenced()],
}))
"""
_ERROR, _WARNING = 40, 30
# Problems that are reported with the stage's name instead, and stale files, which a deployment renews.
_REPORTED_ELSEWHERE = {
    *("security.W018", "security.W020"),
    *("django_offload.E022", "django_offload.W033", "django_offload.W035"),
    *("django_offload.E036", "django_offload.W036", "django_offload.W025"),
}
# Warnings whose texts are shown, because they don't come up with the settings of this machine.
_SHOWN = {f"django_offload.W{number:03}" for number in range(19, 30)}


def check(layout: Layout, stage: Stage, *, web: bool, announce: Announce = print) -> list[str]:
    """
    Return the ids of the warnings of `check --deploy`, and announce those of this library.

    Raise ChecksFailed, with everything that would not run, if there are errors.
    """
    missing = [
        handler.name
        for handler in (HANDLERS / "lambdas").glob("*.py")
        if not (layout.root / "lambdas" / handler.name).exists()
    ]
    if missing:
        names = ", ".join(sorted(missing))
        raise ChecksFailed(stage.name, [f"lambdas/ lacks {names}. Run manage.py offload_init."])
    settings = inspect_settings(layout, stage)
    blocking = list(blocking_problems(settings, stage.name, web=web))
    if blocking:
        raise ChecksFailed(stage.name, blocking)
    warnings = [
        (check_id, text, hint)
        for level, check_id, text, hint in settings["messages"]
        if level == _WARNING and check_id not in _REPORTED_ELSEWHERE
    ]
    for check_id, text, hint in warnings:
        if check_id in _SHOWN:
            announce(" ".join(f"{text} ({check_id}) {hint}".split()))
    return [check_id for check_id, _, _ in warnings]


def blocking_problems(settings: Mapping[str, Any], stage: str, *, web: bool) -> Iterator[str]:
    """Yield a text for each problem that would stop the site, or expose it."""
    if settings["debug"]:
        yield (
            "DEBUG is on, so visitors would see tracebacks and settings. Turn it off for the functions, with "
            'DEBUG = os.environ.get("DEBUG") == "1" in the settings.'
        )
    if web and not settings["hosts"]:
        yield (
            "ALLOWED_HOSTS is empty, so the site would refuse every request. Let the settings read it from a "
            f'variable, and name the site\'s host in "environment" of infra/{stage}.json.'
        )
    for alias, engine in settings["engines"].items():
        if engine.endswith(("sqlite3", "spatialite")):
            yield (
                f"DATABASES['{alias}'] is SQLite, so each function would have its own database. Let the "
                f'settings read the address of a database server from "secrets" of infra/{stage}.json.'
            )
    for level, check_id, text, hint in settings["messages"]:
        if level >= _ERROR and check_id not in _REPORTED_ELSEWHERE:
            yield " ".join(f"{text} ({check_id}) {hint}".split())


def inspect_settings(layout: Layout, stage: Stage) -> dict[str, Any]:
    """
    Return the settings and check messages of a process that has the functions' environment.

    Raise ChecksFailed if the settings can't be read there.
    """
    process = run_python(_PROGRAM, layout.root, function_environment(layout, stage))
    if process.returncode != 0:
        raise ChecksFailed(
            stage.name,
            [
                "The settings can't be read in the environment of its functions "
                f"({last_error(process).rstrip('.')}). Install what they need on this machine, and name "
                f"variables and secrets in infra/{stage.name}.json. If the settings don't accept the "
                "placeholder of a secret, set that variable for this command."
            ],
        )
    # The settings may have printed something before the last line.
    settings: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return settings
