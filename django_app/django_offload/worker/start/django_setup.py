"""Set Django up for tasks, without the parts that only pages need."""

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from . import module_index
from .deferred_imports import deferred

logger = logging.getLogger("django_offload")

REPORTER = "django.views.debug.ExceptionReporter"


def start() -> None:
    """
    Set Django up unless it is, and import the project's tasks.

    Modules that django.setup() loads for pages alone are loaded when a task uses them. A task module that
    can't be imported is logged, and raises again for each message.
    """
    module_index.install()
    write_any_text()
    with uncollected(), deferred():
        from django.apps import apps

        if not apps.ready:
            from ...aws import secrets
            from . import snapshot

            secrets.load()  # Before the settings, which read them.
            set_up_django()
            prepare()
            snapshot.register(prepare)
        import_tasks()


@contextmanager
def uncollected() -> Iterator[None]:
    """
    Exclude the objects that the block makes from garbage collection, now and later.

    Modules and models live as long as the process. Collecting them took a tenth of a start, and a pause of
    some milliseconds whenever tasks had made enough garbage.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


def write_any_text() -> None:
    """
    Have this process write every text that it may print or log, lone surrogates too.

    Lambda's own handler of the root logger raises for one, so that a task whose exception has such a message
    would never end.
    """
    # Python's stderr always escapes what it can't encode.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    for handler in logging.getLogger().handlers:
        handler.format = partial(format_encodable, handler.format)  # type: ignore[method-assign]


def format_encodable(form: Callable[[logging.LogRecord], str], record: logging.LogRecord) -> str:
    """Return a formatted record, with what UTF-8 can't encode as escapes."""
    text = form(record)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def start_whole() -> None:
    """Set all of Django up unless it is, for functions that run no tasks."""
    from django.apps import apps

    if apps.ready:
        return
    module_index.install()
    write_any_text()
    import django

    from ...aws import secrets
    from . import snapshot

    secrets.load()  # Before the settings, which read them.
    django.setup()
    prepare()
    snapshot.register(prepare)


def prepare() -> None:
    """Make the clients of AWS without a call: a start has more CPU than the first message."""
    from ...aws import client
    from ...conf import stacks
    from ...stores import store_of
    from ...transports import transport_of

    try:
        for options in stacks():
            store_of(options)
            transport_of(options, "sqs")
            for service in ("dynamodb", "sqs"):
                client(service, options.client)
    except Exception as exc:  # noqa: BLE001, the first call raises it again
        logger.debug("The clients of AWS could not be made yet: %s", exc)


def set_up_django() -> None:
    """Do what django.setup() does, without Django's reporter of errors by mail."""
    from django.apps import apps
    from django.conf import settings
    from django.utils import log

    names = vars(log)
    find = names["import_string"]
    names["import_string"] = without_reporter(find)
    try:
        log.configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    finally:
        names["import_string"] = find
    if settings.FORCE_SCRIPT_NAME is not None:
        from django.urls import set_script_prefix

        set_script_prefix(settings.FORCE_SCRIPT_NAME)
    apps.populate(settings.INSTALLED_APPS)


def without_reporter(find: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return an import_string() that imports Django's reporter, and templates with it, at its first call."""

    def reporter(*args: Any, **kwargs: Any) -> Any:
        return find(REPORTER)(*args, **kwargs)

    return lambda path: reporter if path == REPORTER else find(path)


def import_tasks() -> None:
    """Import the task modules; in a package that lists them, only those of this function's queue."""
    from ...conf import configured
    from ...definition.registry import registry

    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    try:
        queues = [
            queue
            for options in configured().values()
            for queue in options.queues
            if options.worker_function(queue) == function
        ]
        registry().prepare(queues)
    except Exception:
        logger.exception("The project's tasks could not be loaded")
