"""What Zappa's handler reads in the package: the handler itself, and its settings as a module."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import PackageFailed

# What Zappa takes where its settings do not say.
_DEFAULTS: Mapping[str, object] = {"log_level": "DEBUG", "binary_support": True, "debug": False}
# What Zappa does while it packages, which here it does not.
_NOT_USED = ("app_function", "docker_image_uri", "prebuild_script", "slim_handler")


def add(folder: Path, stage: str, settings: Mapping[str, Any]) -> None:
    """Put Zappa's handler and its settings into `folder`. Raise PackageFailed without Zappa there."""
    handler = folder / "zappa" / "handler.py"
    if not handler.is_file():
        raise PackageFailed("Zappa's handler is missing.", "Add zappa to the requirements of the functions.")
    shutil.copyfile(handler, folder / "handler.py")
    lines = (f"{name} = {value!r}\n" for name, value in _module(stage, settings).items())
    (folder / "zappa_settings.py").write_text('"""Settings of Zappa\'s handler."""\n\n' + "".join(lines))


def unused(settings: Mapping[str, Any], runtime: str) -> list[str]:
    """Return the settings, by name, that neither the package nor the stack follows."""
    found = [name for name in _NOT_USED if settings.get(name)]
    differs = settings.get("runtime", runtime) != runtime
    return [*found, *([f"runtime (web and workers run on {runtime})"] if differs else [])]


def _module(stage: str, settings: Mapping[str, Any]) -> dict[str, object]:
    """Return the names that Zappa's handler reads, with the values that Zappa would write."""
    given = {**_DEFAULTS, **settings}
    found = {
        "EXCEPTION_HANDLER": given.get("exception_handler"),
        "DEBUG": given["debug"],
        "LOG_LEVEL": given["log_level"],
        "BINARY_SUPPORT": given["binary_support"],
        "CONTEXT_HEADER_MAPPINGS": given.get("context_header_mappings", {}),
        "DOMAIN": given.get("domain"),
        "BASE_PATH": given.get("base_path"),
        # Without the region, which every function's own environment has.
        "ENVIRONMENT_VARIABLES": given.get("environment_variables", {}),
        "API_STAGE": stage,
        "PROJECT_NAME": given["project_name"],
        "SETTINGS_FILE": given.get("settings_file"),
        "DJANGO_SETTINGS": given["django_settings"],
        "AWS_EVENT_MAPPING": _events(given.get("events", [])),
        "AWS_BOT_EVENT_MAPPING": _bot_events(given.get("bot_events", [])),
        "COGNITO_TRIGGER_MAPPING": {
            trigger["source"]: trigger["function"]
            for trigger in given.get("cognito", {}).get("triggers", [])
            if trigger.get("source") and trigger.get("function")
        },
        "ASYNC_RESPONSE_TABLE": given.get("async_response_table", ""),
        "ADDITIONAL_TEXT_MIMETYPES": given.get("additional_text_mimetypes", []),
    }
    # Zappa's handler asks whether these are there at all.
    optional = {
        "REMOTE_ENV": given.get("remote_env"),
        "AUTHORIZER_FUNCTION": given.get("authorizer", {}).get("function"),
        "WEBSOCKET_HANDLER_MODULE": given.get("websocket_handler_module"),
    }
    return found | {name: value for name, value in optional.items() if value}


def _events(events: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return by the ARN of each source the functions that its events are handed to."""
    found: dict[str, list[str]] = {}
    for event in events:
        arn, function = event.get("event_source", {}).get("arn"), event.get("function")
        if arn and function:
            found.setdefault(arn, []).append(function)
    return found


def _bot_events(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = {}
    for event in events:
        source = event.get("event_source", {})
        intent, invoked = source.get("intent"), source.get("invocation_source")
        if intent and invoked and event.get("function"):
            found[f"{intent}:{invoked}"] = event["function"]
    return found
