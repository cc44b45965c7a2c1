"""Database connections of a process that Lambda freezes between two invocations."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connections


@contextmanager
def living_connections() -> Iterator[None]:
    """
    Have every query inside the block find a connection that lives, and leave none open for longer than told.

    A connection that a server or a network has dropped meanwhile is closed first, so that the next query
    opens another: Django alone would notice by that query's failure. An open transaction is left alone.
    """
    close_old_connections()
    for connection in connections.all(initialized_only=True):
        idle = connection.connection is not None and not connection.in_atomic_block
        if idle and not connection.is_usable():
            connection.close()
    try:
        yield
    finally:
        close_old_connections()
