"""zappa_settings.json as Zappa reads it, and the names that Zappa derives from it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BadStage

FILE = "zappa_settings.json"
# What offload_init writes as "exclude". Zappa compares these names with all files, but they are meant for the
# project's own: a dependency may need its "tests".
EXCLUDE = (
    *(".cache", ".git", ".mypy_cache", ".offload", ".pytest_cache", ".ruff_cache"),
    *(".venv", "__pycache__", "*.pyc", "tests"),
    *("*.env", "*.key", "*.sqlite3", "id_ed25519", "id_rsa"),
)
# If the settings name no project, Zappa uses this many characters of the folder's name.
_LONGEST_FOLDER = 15


def zappa_settings(root: Path, stage: str) -> dict[str, Any]:
    """
    Return the settings of a stage in zappa_settings.json, always with a project name.

    Raise BadStage if the file has no such stage.
    """
    stages = read_stages(root)
    if stage not in stages:
        names = ", ".join(stages) or "none yet"
        raise BadStage(root / FILE, f"It has no stage '{stage}'.", f"Add it, or use one of: {names}.")
    return {"project_name": slug(root.name)[:_LONGEST_FOLDER], **merged_settings(stages, stage)}


def read_stages(root: Path) -> dict[str, dict[str, Any]]:
    """Return the settings of every stage, by its name. Raise BadStage if the file can't be read."""
    file = root / FILE
    try:
        stages: dict[str, dict[str, Any]] = json.loads(file.read_text())
    except OSError as exc:
        raise BadStage(file, "It cannot be read.", "Create it with manage.py offload_init.") from exc
    except ValueError as exc:
        raise BadStage(file, f"It is not JSON ({exc}).", "Correct it.") from exc
    return stages


def merged_settings(
    stages: Mapping[str, dict[str, Any]], stage: str, extended_by: tuple[str, ...] = ()
) -> dict[str, Any]:
    """
    Return a stage's settings, merged over those of the stage that it extends.

    Raise BadStage if a stage extends itself, or one that doesn't exist.
    """
    if stage in extended_by or stage not in stages:
        raise BadStage(FILE, f"The stage '{stage}' extends itself, or is missing.", "Correct 'extends'.")
    own = dict(stages[stage])
    base = own.pop("extends", None)
    return own if base is None else {**merged_settings(stages, base, (*extended_by, stage)), **own}


def patterns(settings: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of patterns in a stage's settings. Raise BadStage if it is something else."""
    value = settings.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise BadStage(FILE, f"'{key}' is not a list of patterns.", f'Write it as "{key}": ["*.csv"].')
    return tuple(value)


def web_function(settings: Mapping[str, Any], stage: str) -> str:
    """Return the name that Zappa gives to the function, and to its own stack if it creates an API Gateway."""
    return slug(f"{settings['project_name']}-{stage}")


def slug(text: str) -> str:
    """Return `text` as Zappa writes it in names: lower case, with hyphens between the words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def network_problem(settings: Mapping[str, Any], vpc: object) -> tuple[str, str] | None:
    """Return the problem and its remedy if the web side is in a VPC and the workers aren't, or None."""
    if not (settings.get("vpc_config") or {}).get("SubnetIds") or vpc is not None:
        return None
    return (
        "It puts the web side into a VPC, but the workers are not in that VPC.",
        'Name the subnets and security groups of vpc_config as "vpc" in the stage\'s file in infra/.',
    )


def name_problem(settings: Mapping[str, Any], stage: str, stack: str) -> tuple[str, str] | None:
    """
    Return the problem and its remedy if the web function has the stack's name, or None.

    Zappa's own stack has the name of the web function, so its API Gateway would replace the queues and
    functions of our stack.
    """
    if web_function(settings, stage) != stack:
        return None
    project = settings["project_name"]
    return (
        f"Zappa would name the web side of the stage '{stage}' '{stack}', which is also the name of the "
        "tasks' stack. Zappa's API Gateway would replace that stack.",
        f'Set "project_name": "{project}-web" in {FILE}. If the site is deployed already, give the tasks '
        "another OPTIONS['stack'] instead.",
    )
