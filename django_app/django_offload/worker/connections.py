"""Database connections of a process that Lambda freezes between two invocations."""

from contextlib import AbstractContextManager

from django.db import close_old_connections, connections


class LivingConnections(AbstractContextManager[None]):
    """See living_connections(). contextlib's would take twice as long, and every task enters one."""

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
    Let every query inside the block find a living connection, and close those that are too old after it.

    A connection that a server or a network has dropped is closed first, so that the next query opens another.
    Django alone would notice only when that query fails. An open transaction is left alone.
    """
    return LivingConnections()
