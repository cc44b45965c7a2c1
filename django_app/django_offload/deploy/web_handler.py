"""What Zappa's handler reads in the package: the handler itself, and its settings as a module."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BadStage, PackageFailed

SETTINGS = "zappa_settings.json"
# What Zappa takes where its settings do not say.
_DEFAULTS: Mapping[str, object] = {"log_level": "DEBUG", "binary_support": True, "debug": False}


def zappa_settings(root: Path, stage: str) -> dict[str, Any]:
    """Return the settings of a stage in zappa_settings.json. Raise BadStage if there are none."""
    file = root / SETTINGS
    try:
        stages: dict[str, dict[str, Any]] = json.loads(file.read_text())
    except OSError as exc:
        raise BadStage(file, "It cannot be read.", "Write it: manage.py offload_init does.") from exc
    except ValueError as exc:
        raise BadStage(file, f"It is not JSON ({exc}).", "Correct it.") from exc
    if stage not in stages:
        known = ", ".join(stages) or "none so far"
        raise BadStage(file, f"It has no stage '{stage}'.", f"Add it, or use one of: {known}.")
    return _extended(stages, stage, ())


def _extended(stages: Mapping[str, dict[str, Any]], stage: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """Return a stage's settings over those of the stage it extends, as Zappa reads them."""
    if stage in seen or stage not in stages:
        raise BadStage(SETTINGS, f"The stage '{stage}' extends itself, or is missing.", "Correct 'extends'.")
    own = dict(stages[stage])
    below = own.pop("extends", None)
    return own if below is None else {**_extended(stages, below, (*seen, stage)), **own}


def add(folder: Path, stage: str, settings: Mapping[str, Any]) -> None:
    """Put Zappa's handler and its settings into `folder`. Raise PackageFailed without Zappa there."""
    handler = folder / "zappa" / "handler.py"
    if not handler.is_file():
        raise PackageFailed("Zappa's handler is missing.", "Add zappa to the requirements of the functions.")
    shutil.copyfile(handler, folder / "handler.py")
    lines = (f"{name} = {value!r}\n" for name, value in _module(stage, settings).items())
    (folder / "zappa_settings.py").write_text('"""Settings of Zappa\'s handler."""\n\n' + "".join(lines))


def _module(stage: str, settings: Mapping[str, Any]) -> dict[str, object]:
    """Return the names that Zappa's handler reads, with the values that Zappa would write."""
    given = {**_DEFAULTS, **settings}
    return {
        "EXCEPTION_HANDLER": given.get("exception_handler"),
        "DEBUG": given["debug"],
        "LOG_LEVEL": given["log_level"],
        "BINARY_SUPPORT": given["binary_support"],
        "CONTEXT_HEADER_MAPPINGS": given.get("context_header_mappings", {}),
        "DOMAIN": given.get("domain"),
        "BASE_PATH": given.get("base_path"),
        "ENVIRONMENT_VARIABLES": {},
        "API_STAGE": given.get("api_stage", stage),
        "PROJECT_NAME": given["project_name"],
        "SETTINGS_FILE": None,
        "DJANGO_SETTINGS": given["django_settings"],
        "AWS_EVENT_MAPPING": {},
        "AWS_BOT_EVENT_MAPPING": {},
        "COGNITO_TRIGGER_MAPPING": {},
        "ASYNC_RESPONSE_TABLE": "",
        "ADDITIONAL_TEXT_MIMETYPES": given.get("additional_text_mimetypes", []),
    }
