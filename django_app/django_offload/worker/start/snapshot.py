"""What no two processes that Lambda's SnapStart restores of one snapshot may share."""

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
    Have Lambda do without connections in a snapshot, and `prepare` what a restored process begins with.

    Where the runtime knows no snapshots, do nothing.
    """
    try:
        hooks = import_module(HOOKS)
    except ImportError:
        return
    hooks.register_before_snapshot(freeze)
    hooks.register_after_restore(resume, prepare)


def freeze() -> None:
    """Leave nothing in the snapshot that must not be shared, and all that a restored process would import."""
    part()
    credentials.preload()


def part() -> None:
    """Close every connection, and drop the keys that calls to AWS are signed with."""
    connections.close_all()
    reset_clients()


def resume(prepare: Callable[[], None]) -> None:
    """Begin anew: all that one snapshot becomes would draw the same numbers, and sign with old keys."""
    part()
    # Ids and tokens come from the system, which Lambda keeps apart; delays of retries come from here.
    random.seed()
    prepare()
    try:
        credentials.credentials()
    except Exception as exc:  # noqa: BLE001, whoever needs them later is told
        logger.debug("The keys of this process could not be found yet: %s", exc)
