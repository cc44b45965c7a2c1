"""zappa_settings.json as Zappa reads it, and the names that Zappa makes of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BadStage

FILE = "zappa_settings.json"
# Of a folder's name, which Zappa takes where no project is named.
_LONGEST_FOLDER = 15


def zappa_settings(root: Path, stage: str) -> dict[str, Any]:
    """
    Return the settings of a stage in zappa_settings.json, with a project's name in any case.

    Raise BadStage if there are none.
    """
    stages = read(root)
    if stage not in stages:
        known = ", ".join(stages) or "none so far"
        raise BadStage(root / FILE, f"It has no stage '{stage}'.", f"Add it, or use one of: {known}.")
    return {"project_name": slug(root.name)[:_LONGEST_FOLDER], **extended(stages, stage)}


def read(root: Path) -> dict[str, dict[str, Any]]:
    """Return every stage as the file has it. Raise BadStage if it cannot be read."""
    file = root / FILE
    try:
        stages: dict[str, dict[str, Any]] = json.loads(file.read_text())
    except OSError as exc:
        raise BadStage(file, "It cannot be read.", "Write it: manage.py offload_init does.") from exc
    except ValueError as exc:
        raise BadStage(file, f"It is not JSON ({exc}).", "Correct it.") from exc
    return stages


def extended(stages: Mapping[str, dict[str, Any]], stage: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a stage's settings over those of the stage it extends. Raise BadStage if that leads nowhere."""
    if stage in seen or stage not in stages:
        raise BadStage(FILE, f"The stage '{stage}' extends itself, or is missing.", "Correct 'extends'.")
    own = dict(stages[stage])
    below = own.pop("extends", None)
    return own if below is None else {**extended(stages, below, (*seen, stage)), **own}


def web_function(settings: Mapping[str, Any], stage: str) -> str:
    """Return what Zappa names the function, and the stack of its own where it makes an API Gateway."""
    return slug(f"{settings['project_name']}-{stage}")


def slug(text: str) -> str:
    """Return `text` as Zappa writes it in names: lower case, words parted by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def network_problem(settings: Mapping[str, Any], vpc: object) -> tuple[str, str] | None:
    """Return what is wrong where the web side stands in a network and the workers do not."""
    if not (settings.get("vpc_config") or {}).get("SubnetIds") or vpc is not None:
        return None
    return (
        "It puts the web side into a VPC that the workers are not in.",
        'Name the subnets and security groups of vpc_config as "vpc" in the stage\'s file in infra/.',
    )


def name_problem(settings: Mapping[str, Any], stage: str, stack: str) -> tuple[str, str] | None:
    """
    Return what is wrong with the web function's name, and what to do; None where nothing is.

    Zappa names a stack of its own like the function. Were it ours, an API Gateway would take the place
    of queues and functions.
    """
    if web_function(settings, stage) != stack:
        return None
    project = settings["project_name"]
    return (
        f"Zappa would name the web side of the stage '{stage}' '{stack}', as the stack of the tasks is "
        "named, and its API Gateway would replace that stack.",
        f'Set "project_name": "{project}-web" in {FILE}; or, where the site is deployed already, '
        "give the tasks another OPTIONS['stack'].",
    )
