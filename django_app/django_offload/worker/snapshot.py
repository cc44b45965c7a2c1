"""What no two processes that Lambda's SnapStart restores of one snapshot may share."""

import random
from collections.abc import Callable
from importlib import import_module

from django.db import connections

from ..wire import forget

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
    hooks.register_before_snapshot(part)
    hooks.register_after_restore(resume, prepare)


def part() -> None:
    """Close every connection, and drop the keys that calls to AWS are signed with."""
    connections.close_all()
    forget()


def resume(prepare: Callable[[], None]) -> None:
    """Begin anew: all that one snapshot becomes would draw the same numbers, and sign with old keys."""
    part()
    # Ids and tokens come from the system, which Lambda keeps apart; delays of retries come from here.
    random.seed()
    prepare()
