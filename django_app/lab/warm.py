"""Connect to AWS before the first visitor needs it."""

import logging
from contextlib import suppress
from threading import Event, Thread

from django_offload.aws import failures
from django_offload.compat import TaskResultDoesNotExist, task_backends
from django_offload.conf import configured
from django_offload.exceptions import OffloadError
from django_offload.transports import transport_of

logger = logging.getLogger(__name__)

NO_ID = "0" * 32
started = Event()


def warm() -> None:
    """Connect to AWS in the background, once in a process."""
    if not started.is_set():
        started.set()
        Thread(target=connect, name="warm", daemon=True).start()


def connect() -> None:
    """Open the connections that enqueueing and reading need. If AWS doesn't respond, try again next time."""
    try:
        for alias, options in configured().items():
            for queue in options.queues:
                transport_of(options).prepare(queue)
            with suppress(TaskResultDoesNotExist):
                task_backends[alias].get_result(NO_ID)
    except (OffloadError, *failures()) as exc:
        started.clear()
        logger.warning("AWS doesn't respond yet: %s. Start a local one: manage.py offload_local.", exc)
