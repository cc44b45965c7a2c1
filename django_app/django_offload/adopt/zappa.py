"""What the web side's settings of Zappa need, put into what is there already."""

import json
import re
from typing import Any

from ..exceptions import ConfigurationError
from ..stack.layout import TASK_ROOT, Layout
from .changes import Change, read

NAME = "zappa_settings.json"
STAGE = "dev"
INDENT = 4
# Never part of what is deployed; Zappa compares the names of files and folders.
EXCLUDE = [
    *(".cache", ".git", ".mypy_cache", ".offload", ".pytest_cache", ".ruff_cache"),
    *(".venv", "__pycache__", "*.pyc", "tests"),
]


def zappa(layout: Layout) -> Change:
    """
    Return zappa_settings.json with what the web side of a stack needs in every stage.

    What a stage says already stays, but for the path of the modules. Raise ConfigurationError if the
    file is not JSON.
    """
    path = layout.root / NAME
    before = read(path)
    if before is None:
        return Change(path=path, before=None, after=_text(_fresh(layout), INDENT))
    stages = _parsed(before)
    for stage in stages.values():
        if "extends" not in stage:  # It has all that the stage has which it extends.
            _patch(stage, layout)
    unchanged = stages == _parsed(before)
    after = before if unchanged else _like(before, stages)
    return Change(path=path, before=before, after=after, merged=True)


def _fresh(layout: Layout) -> dict[str, Any]:
    stage = {
        "project_name": re.sub(r"[^a-z0-9-]+", "-", layout.root.name.lower()).strip("-") or "site",
        "django_settings": layout.settings_module,
        "runtime": "python3.13",
        "exclude": EXCLUDE,
    }
    _patch(stage, layout)
    return {STAGE: stage}


def _patch(stage: dict[str, Any], layout: Layout) -> None:
    """Give a stage what it lacks: its modules' path, no role that Zappa rewrites, no log of whole events."""
    if layout.python_path != TASK_ROOT:
        variables = stage.setdefault("aws_environment_variables", {})
        paths = variables.get("PYTHONPATH", "").split(":")
        if layout.python_path not in paths:
            variables["PYTHONPATH"] = ":".join(filter(None, [layout.python_path, *paths]))
    stage.setdefault("manage_roles", False)
    stage.setdefault("log_level", "INFO")


def _parsed(text: str) -> dict[str, Any]:
    try:
        stages = json.loads(text)
    except ValueError as exc:
        raise ConfigurationError(
            "default", f"{NAME} is not JSON ({exc}).", "Correct it, then try again."
        ) from exc
    if not isinstance(stages, dict) or not all(isinstance(stage, dict) for stage in stages.values()):
        raise ConfigurationError(
            "default", f"{NAME} is not an object of stages.", "Correct it, then try again."
        )
    return stages


def _text(stages: dict[str, Any], indent: int | str) -> str:
    return json.dumps(stages, indent=indent, ensure_ascii=False) + "\n"


def _like(before: str, stages: dict[str, Any]) -> str:
    """Write the stages as `before` is written: its indent, its ends of lines, its last line."""
    found = re.search(r"^([ \t]+)\"", before, re.MULTILINE)
    after = _text(stages, found[1] if found else INDENT)
    if not before.endswith("\n"):
        after = after.rstrip("\n")
    return after.replace("\n", "\r\n") if "\r\n" in before else after
