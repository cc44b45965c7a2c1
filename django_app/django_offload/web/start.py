"""The cold start of the web function: its variables, its secrets, its application."""

import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..worker.start import module_index, uncollected, write_any_text

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

# Zappa and offload_package write the settings of a stage into the package, as this module.
SETTINGS = "zappa_settings"


def start() -> Callable[[object, object], Mapping[str, Any]]:
    """
    Return the handler of this project's web function.

    Raise SecretUnreadable if a secret of the stage can't be read, and ConfigurationError if the application
    isn't WSGI.
    """
    module_index.install()
    write_any_text()
    with uncollected():
        settings = stage_settings()
        set_variables(settings)
        # Only from here on, because the index finds the modules.
        from ..aws import secrets
        from .handler import Handler
        from .requests import Site

        secrets.load()  # Before the settings, which read them.
        logging.getLogger().setLevel(getattr(settings, "LOG_LEVEL", None) or "INFO")
        site = Site(
            stage=getattr(settings, "API_STAGE", None) or "",
            base_path=(getattr(settings, "BASE_PATH", None) or "").strip("/"),
            domain=getattr(settings, "DOMAIN", None) or "",
            headers_from_context=getattr(settings, "CONTEXT_HEADER_MAPPINGS", None) or {},
            text_types=tuple(getattr(settings, "ADDITIONAL_TEXT_MIMETYPES", None) or ()),
        )
        return Handler(find_application(settings), site)


def stage_settings() -> ModuleType:
    """Return the settings of this stage, or an empty module if the package has none."""
    return ModuleType(SETTINGS) if find_spec(SETTINGS) is None else import_module(SETTINGS)


def set_variables(settings: ModuleType) -> None:
    """Set the variables that Zappa's handler sets, before the project's settings read them."""
    variables = {"SERVERTYPE": "AWS Lambda", "FRAMEWORK": "Zappa"}
    for name, source in (("PROJECT", "PROJECT_NAME"), ("STAGE", "API_STAGE")):
        if hasattr(settings, source):
            variables[name] = getattr(settings, source)
    # With offload_deploy the function has these variables already. Zappa alone leaves them here.
    os.environ.update(variables | getattr(settings, "ENVIRONMENT_VARIABLES", {}))
    if getattr(settings, "DJANGO_SETTINGS", None):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings.DJANGO_SETTINGS)


def find_application(settings: ModuleType) -> "WSGIApplication":
    """Return Django's WSGI application, or the one that the stage names in app_function."""
    if getattr(settings, "APP_TYPE", None) == "asgi":
        from ..exceptions import ConfigurationError

        raise ConfigurationError(
            "default",
            "The web function serves WSGI, but zappa_settings.json says app_type: asgi.",
            "Remove app_type, and name a WSGI application in app_function, or none for Django's.",
        )
    if hasattr(settings, "APP_MODULE"):
        application: WSGIApplication = getattr(import_module(settings.APP_MODULE), settings.APP_FUNCTION)
        return application
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()
