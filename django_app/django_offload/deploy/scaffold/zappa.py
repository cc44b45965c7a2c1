"""What the web side's settings of Zappa need, put into what is there already."""

import json
import os
import re
from typing import Any

from ...exceptions import ConfigurationError
from ...stack.layout import TASK_ROOT, Layout
from ..zappa_settings import slug, web_function
from .changes import Change, read
from .runtime import runtime

NAME = "zappa_settings.json"
STAGE, REGION = "dev", "us-east-1"
VARIABLES = "aws_environment_variables"
INDENT = 4
# Never part of what is deployed; Zappa compares the names of files and folders.
EXCLUDE = [
    *(".cache", ".git", ".mypy_cache", ".offload", ".pytest_cache", ".ruff_cache"),
    *(".venv", "__pycache__", "*.pyc", "tests"),
    *("*.env", "*.key", "*.sqlite3", "id_ed25519", "id_rsa"),
]


def zappa(layout: Layout, stack: str) -> Change:
    """
    Return zappa_settings.json with what the web side of a stack needs in every stage.

    What a stage says already stays, but for the path of the modules. Raise ConfigurationError if the
    file is not JSON, or the settings are in a file of another form.
    """
    path = layout.root / NAME
    before = read(path)
    if before is None:
        _refuse_other_forms(layout)
        stages = {STAGE: {**_fresh(layout, stack), **_needed(layout), "exclude": EXCLUDE}}
        return Change(path=path, before=None, after=_text(stages, INDENT))
    stages = _parsed(before)
    for stage in stages.values():
        if "extends" not in stage:  # It has all that the stage has which it extends …
            _patch(stage, _needed(layout))
        elif VARIABLES in stage:  # … but for what it says itself, which takes the place of that.
            _patch(stage, {key: value for key, value in _needed(layout).items() if key == VARIABLES})
    unchanged = stages == _parsed(before)
    after = before if unchanged else _like(before, stages)
    return Change(path=path, before=before, after=after, merged=True)


def stages_of(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return what the file says of each stage, nothing where it is not there. Raise as zappa() does."""
    text = read(layout.root / NAME)
    return {} if text is None else _parsed(text)


def _refuse_other_forms(layout: Layout) -> None:
    """Raise ConfigurationError where a new file would take the place of what Zappa reads now."""
    for ending in ("toml", "yml", "yaml"):
        other = (layout.root / NAME).with_suffix(f".{ending}")
        if other.exists():
            raise ConfigurationError(
                "default",
                f"This site's settings of Zappa are in {other.name}, which Zappa would read no more.",
                f"Write them as {NAME}, then try again.",
            )


def _fresh(layout: Layout, stack: str) -> dict[str, Any]:
    """Return a stage for a project that was never deployed."""
    return {
        "project_name": _project(layout.root.name, stack),
        "django_settings": layout.settings_module,
        "runtime": runtime(),
        "aws_region": os.environ.get("AWS_DEFAULT_REGION", REGION),
        "s3_bucket": f"{stack}-zappa",
        "apigateway_enabled": False,
        "function_url_enabled": True,
        "function_url_config": {"authorizer": "NONE", "cors": False},
        "timeout_seconds": 30,
        "keep_warm": False,
        "touch": False,
    }


def _project(folder: str, stack: str) -> str:
    """Return a name that with its stage is not the stack's: Zappa's own stack would replace it."""
    name = f"{(slug(folder) or 'site').removesuffix('-web')}-web"
    return name if web_function({"project_name": name}, STAGE) != stack else f"{name}-site"


def _needed(layout: Layout) -> dict[str, Any]:
    """Return what every stage needs: the door that reads secrets, no role that Zappa rewrites, a path."""
    found: dict[str, Any] = {
        "lambda_handler": "lambdas.web.handler",
        "manage_roles": False,
        "log_level": "INFO",
    }
    if layout.python_path != TASK_ROOT:
        found[VARIABLES] = {"PYTHONPATH": layout.python_path}
    return found


def _patch(stage: dict[str, Any], needed: dict[str, Any]) -> None:
    """Give a stage what it lacks, and put the modules' path before those it has."""
    paths = needed.pop(VARIABLES, {}).get("PYTHONPATH")
    for key, value in needed.items():
        stage.setdefault(key, value)
    if paths is not None:
        variables = stage.setdefault(VARIABLES, {})
        known = variables.get("PYTHONPATH", "").split(":")
        if paths not in known:
            variables["PYTHONPATH"] = ":".join(filter(None, [paths, *known]))


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
