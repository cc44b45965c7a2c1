"""Connections made ahead, so that the first visitor does not wait for them."""

import logging
from contextlib import suppress
from threading import Event, Thread

from django.tasks import task_backends
from django.tasks.exceptions import TaskResultDoesNotExist

from django_offload.aws import failures
from django_offload.conf import configured
from django_offload.exceptions import OffloadError
from django_offload.transports import transport_of

logger = logging.getLogger(__name__)

NO_ID = "0" * 32


_done = Event()


def warm() -> None:
    """Connect to AWS in the background, the first time this is called in a process."""
    if not _done.is_set():
        _done.set()
        Thread(target=_connect, name="warm", daemon=True).start()


def _connect() -> None:
    try:
        for alias, options in configured().items():
            for queue in options.queues:
                transport_of(options).prepare(queue)
            with suppress(TaskResultDoesNotExist):
                task_backends[alias].get_result(NO_ID)
    except (OffloadError, *failures()) as exc:
        _done.clear()
        logger.warning("AWS does not answer yet: %s. Start it on this machine: manage.py offload_local.", exc)
