"""Database connections of a process that Lambda freezes between two invocations."""

from contextlib import AbstractContextManager

from django.db import close_old_connections, connections


class _Living(AbstractContextManager[None]):
    """A class of its own, for every task enters one: contextlib's takes twice as long."""

    __slots__ = ()

    def __enter__(self) -> None:
        close_old_connections()
        for connection in connections.all(initialized_only=True):
            idle = connection.connection is not None and not connection.in_atomic_block
            if idle and not connection.is_usable():
                connection.close()

    def __exit__(self, *exc: object) -> None:
        close_old_connections()


def living_connections() -> AbstractContextManager[None]:
    """
    Have every query inside the block find a connection that lives, and leave none open for longer than told.

    A connection that a server or a network has dropped meanwhile is closed first, so that the next query
    opens another: Django alone would notice by that query's failure. An open transaction is left alone.
    """
    return _Living()
