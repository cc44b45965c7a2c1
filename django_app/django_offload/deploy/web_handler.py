"""What Zappa's handler reads in the package: the handler itself, and its settings as a module."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import PackageFailed

# What Zappa takes where its settings do not say.
_DEFAULTS: Mapping[str, object] = {"log_level": "DEBUG", "binary_support": True, "debug": False}


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
