"""Add the web function's handler to the package, and its settings as a module."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import PackageFailed
from ..stage import as_texts
from ..variables import variables_in
from ..web_features import has_zappas_handler

# Zappa's own defaults.
_DEFAULTS: Mapping[str, object] = {"log_level": "DEBUG", "binary_support": True, "debug": False}
# Settings for Zappa's packaging, which this replaces.
_NOT_USED = ("docker_image_uri", "prebuild_script", "slim_handler")


# lambdas/web.py of earlier releases imports its handler from the root of the package.
_HANDLER = '''"""The handler for HTTP requests."""

from django_offload.web.start import start

lambda_handler = start()
'''


def add(folder: Path, stage: str, settings: Mapping[str, Any]) -> None:
    """
    Write handler.py and zappa_settings.py into `folder`.

    handler.py is Zappa's own if the stage names it. Raise PackageFailed if Zappa is then missing there.
    """
    if has_zappas_handler(settings):
        handler = folder / "zappa" / "handler.py"
        if not handler.is_file():
            raise PackageFailed(
                "Zappa's handler is missing.", "Add zappa to the requirements of the functions."
            )
        shutil.copyfile(handler, folder / "handler.py")
    else:
        (folder / "handler.py").write_text(_HANDLER)
    lines = (f"{name} = {value!r}\n" for name, value in handler_settings(stage, settings).items())
    (folder / "zappa_settings.py").write_text(
        '"""Settings of the web function, as Zappa writes them."""\n\n' + "".join(lines)
    )


def unused(settings: Mapping[str, Any], runtime: str) -> list[str]:
    """Return the names of the settings that neither the package nor the stack uses."""
    names = [name for name in _NOT_USED if settings.get(name)]
    if settings.get("runtime", runtime) != runtime:
        names.append(f"runtime (web and workers run on {runtime})")
    return names


def handler_settings(stage: str, settings: Mapping[str, Any]) -> dict[str, object]:
    """Return the names that both handlers read, with the values that Zappa would write."""
    settings = {**_DEFAULTS, **settings}
    functions_by_source: dict[str, list[str]] = {}
    for event in settings.get("events", []):
        arn, function = event.get("event_source", {}).get("arn"), event.get("function")
        if arn and function:
            functions_by_source.setdefault(arn, []).append(function)
    functions_by_intent: dict[str, str] = {}
    for event in settings.get("bot_events", []):
        source = event.get("event_source", {})
        intent, invoked = source.get("intent"), source.get("invocation_source")
        if intent and invoked and event.get("function"):
            functions_by_intent[f"{intent}:{invoked}"] = event["function"]
    required = {
        "EXCEPTION_HANDLER": settings.get("exception_handler"),
        "DEBUG": settings["debug"],
        "LOG_LEVEL": settings["log_level"],
        "BINARY_SUPPORT": settings["binary_support"],
        "CONTEXT_HEADER_MAPPINGS": settings.get("context_header_mappings", {}),
        "DOMAIN": settings.get("domain"),
        "BASE_PATH": settings.get("base_path"),
        # Without the region, because the environment of every function has it.
        "ENVIRONMENT_VARIABLES": as_texts(variables_in(settings, "environment_variables")),
        "API_STAGE": stage,
        "PROJECT_NAME": settings["project_name"],
        "SETTINGS_FILE": settings.get("settings_file"),
        "DJANGO_SETTINGS": settings["django_settings"],
        "AWS_EVENT_MAPPING": functions_by_source,
        "AWS_BOT_EVENT_MAPPING": functions_by_intent,
        "COGNITO_TRIGGER_MAPPING": {
            trigger["source"]: trigger["function"]
            for trigger in settings.get("cognito", {}).get("triggers", [])
            if trigger.get("source") and trigger.get("function")
        },
        "ASYNC_RESPONSE_TABLE": settings.get("async_response_table", ""),
        "ADDITIONAL_TEXT_MIMETYPES": settings.get("additional_text_mimetypes", []),
    }
    # Zappa's handler tests whether these names exist.
    module, _, function = (settings.get("app_function") or "").rpartition(".")
    optional = {
        "APP_MODULE": module,
        "APP_FUNCTION": function,
        "APP_TYPE": settings.get("app_type"),
        "REMOTE_ENV": settings.get("remote_env"),
        "AUTHORIZER_FUNCTION": settings.get("authorizer", {}).get("function"),
        "WEBSOCKET_HANDLER_MODULE": settings.get("websocket_handler_module"),
    }
    return required | {name: value for name, value in optional.items() if value}
