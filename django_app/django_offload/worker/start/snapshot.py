"""Keep processes that SnapStart restores from one snapshot from sharing connections, keys and randomness."""

import logging
import random
from collections.abc import Callable
from importlib import import_module

from django.db import connections

from ...aws import credentials, reset_clients

logger = logging.getLogger("django_offload")

# Of the runtimes with SnapStart: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
HOOKS = "snapshot_restore_py"


def register(prepare: Callable[[], None]) -> None:
    """
    Have Lambda drop connections before a snapshot, and call `prepare` in a restored process.

    Do nothing if the runtime knows no snapshots.
    """
    try:
        hooks = import_module(HOOKS)
    except ImportError:
        return
    hooks.register_before_snapshot(freeze)
    hooks.register_after_restore(resume, prepare)


def freeze() -> None:
    """Drop what must not be shared before a snapshot, and import what a restored process would import."""
    part()
    credentials.preload()


def part() -> None:
    """Close every connection, and drop the keys that sign calls to AWS."""
    connections.close_all()
    reset_clients()


def resume(prepare: Callable[[], None]) -> None:
    """Draw new random numbers and read new keys, which copies of one snapshot would share."""
    part()
    # Lambda keeps the system's randomness apart, which ids and tokens use; delays of retries use this one.
    random.seed()
    prepare()
    try:
        credentials.credentials()
    except Exception as exc:  # noqa: BLE001, the first call raises it again
        logger.debug("The keys of this process could not be found yet: %s", exc)
