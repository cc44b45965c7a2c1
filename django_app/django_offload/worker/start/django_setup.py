"""The start of a process that works: Django as tasks need it, and no more."""

import gc
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import module_index
from .deferred_imports import deferred

logger = logging.getLogger("django_offload")

REPORTER = "django.views.debug.ExceptionReporter"


def start() -> None:
    """
    Set Django up where nobody has, and load the project's tasks.

    What django.setup() would load for pages alone is put off until a task uses it. A task module that
    cannot be imported is logged, and raises again for each message.
    """
    module_index.install()
    with _uncollected(), deferred():
        from django.apps import apps

        if not apps.ready:
            from ...aws import secrets
            from . import snapshot

            secrets.load()  # The settings read them.
            _set_up()
            prepare()
            snapshot.register(prepare)
        _find_tasks()


@contextmanager
def _uncollected() -> Iterator[None]:
    """
    Have the garbage collector look at nothing that the block makes, neither now nor later.

    Modules and models stay for as long as the process does: to look through them took a tenth of a start, and
    a pause of some milliseconds each time that tasks had left enough behind.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


def start_whole() -> None:
    """Set Django up where nobody has, all of it: for functions that run no tasks."""
    from django.apps import apps

    if apps.ready:
        return
    module_index.install()
    import django

    from ...aws import secrets
    from . import snapshot

    secrets.load()  # The settings read them.
    django.setup()
    prepare()
    snapshot.register(prepare)


def prepare() -> None:
    """Make the clients of AWS: a start has more of the processor than the first message. No call is made."""
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
    except Exception as exc:  # noqa: BLE001, whoever needs one later is told
        logger.debug("The clients of AWS could not be made yet: %s", exc)


def _set_up() -> None:
    """Do what django.setup() does."""
    from django.apps import apps
    from django.conf import settings
    from django.utils import log

    names = vars(log)
    find = names["import_string"]
    names["import_string"] = _without_reporter(find)
    try:
        log.configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    finally:
        names["import_string"] = find
    if settings.FORCE_SCRIPT_NAME is not None:
        from django.urls import set_script_prefix

        set_script_prefix(settings.FORCE_SCRIPT_NAME)
    apps.populate(settings.INSTALLED_APPS)


def _without_reporter(find: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what finds everything but Django's reporter for mails to admins, which brings templates."""

    def reporter(*args: Any, **kwargs: Any) -> Any:
        return find(REPORTER)(*args, **kwargs)

    return lambda path: reporter if path == REPORTER else find(path)


def _find_tasks() -> None:
    """Import the task modules, of a package with a list of them those of this function's queue alone."""
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
