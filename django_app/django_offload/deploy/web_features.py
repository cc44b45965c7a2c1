"""
What Zappa's handler does at run time: done by our web function, or refused by name.

docs/how_to/from_zappa.md shows the whole table. Zappa's command line deploys, updates and shows the web
side as before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .zappa_settings import FILE

# Zappa's default, and the module that it is a copy of. Both run whatever an event names.
ZAPPAS_HANDLER = "handler.lambda_handler"
ZAPPAS_HANDLERS = {ZAPPAS_HANDLER, "zappa.handler.lambda_handler"}

# Each setting that only Zappa's handler could serve, and what to do instead.
REFUSED: Mapping[str, str] = {
    "events": "Declare each schedule in OPTIONS['schedules']. Give other events a function of their own.",
    "bot_events": "Give the bot a function of its own.",
    "cognito": "Give the triggers a function of their own.",
    "authorizer": "Give the authorizer a function of its own, and name it in authorizer.arn. Or let Django "
    "decide.",
    "websocket_handler_module": "Give the WebSocket API a function of its own, or let the page poll.",
    "alb_enabled": "Use a function URL or an API Gateway.",
    "app_type": "Remove it. Django's WSGI application serves async views too.",
    "slim_handler": "Remove it. offload_package leaves out what Lambda doesn't need.",
    "async_response_table": "Use the tasks of django_offload, whose results are kept in the stack's table.",
    "remote_env": 'Name the variables in "environment" or "secrets" of the stage\'s file in infra/.',
    "exception_handler": "Connect to Django's signal got_request_exception, or use LOGGING.",
    "keep_warm": 'Set "keep_warm": false. If the stage is deployed already, run zappa unschedule once, '
    "because Zappa keeps the schedule. Use provisioned_concurrency if starts are too slow.",
}


def has_zappas_handler(settings: Mapping[str, Any]) -> bool:
    """Return True if the stage names Zappa's own handler, or none, so that Zappa's default counts."""
    return settings.get("lambda_handler", ZAPPAS_HANDLER) in ZAPPAS_HANDLERS


def is_used(settings: Mapping[str, Any], name: str) -> bool:
    """Return True if a stage uses a setting of REFUSED."""
    value = settings.get(name)
    match name:
        case "keep_warm":
            return bool(settings.get(name, True))  # Zappa's default is True.
        case "authorizer":
            return isinstance(value, Mapping) and bool(value.get("function"))
        case "app_type":
            return value == "asgi"
        case _:
            return bool(value)


def refused_features(settings: Mapping[str, Any], stage: str) -> Iterator[tuple[str, str]]:
    """Yield a problem and its remedy for each setting of a stage that the web function doesn't serve."""
    if has_zappas_handler(settings):
        return
    for name, remedy in REFUSED.items():
        if is_used(settings, name):
            default = "" if name in settings else " (Zappa's default)"
            yield (
                f"{FILE} sets {name}{default} in the stage '{stage}', but the web function answers only HTTP "
                "requests.",
                remedy,
            )


def handler_warning(settings: Mapping[str, Any], stage: str) -> tuple[str, str] | None:
    """Return a warning and its remedy if the stage keeps Zappa's handler, or None."""
    if not has_zappas_handler(settings):
        return None
    return (
        f"The web function of the stage '{stage}' has Zappa's handler, which runs whatever an event names. "
        "So whoever may invoke the function can do all that its role may.",
        f'Set "lambda_handler": "lambdas.web.handler" in {FILE}.',
    )
