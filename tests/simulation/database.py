"""The database of the tasks: a real one, where the effects that count are rows beside the real markers."""

from collections import Counter
from collections.abc import Callable

from django.db import DatabaseError, connection

from django_offload.effects.models import Effect

from .faults import Idle
from .network import Network

EFFECTS = "simulated_effects"

type Once = Callable[[str, str, Callable[[], str], str | None], str]


class Database:
    """
    Runs django_offload.effects.marker.once() itself, and may fail around it and inside.

    All processes share one connection, so none can wait inside its transaction while others go on: the
    database ends the transaction of one that stalls, and time passes after that.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def clear(self) -> None:
        """Remove what another world left."""
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {EFFECTS} (task_id char(32) NOT NULL)")
            cursor.execute(f"DELETE FROM {EFFECTS}")  # noqa: S608, a constant
        Effect.objects.all().delete()

    def over_a_wire(self, real: Once) -> Once:
        """Return the function that keeps markers, as a process beyond a network calls it."""

        def once(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
            def stated() -> str:
                text = run()
                self._network.call(task_id, lambda: None)  # Between the effect and its commit.
                return text

            def transaction() -> str:
                try:
                    return real(task_id, key, stated, using)
                except Idle:
                    self._network.stall()
                    raise DatabaseError("terminating connection due to idle-in-transaction timeout") from None

            return self._network.call(task_id, transaction)

        return once

    def effect(self, task_id: str) -> None:
        """Do something that counts: with the transaction that is open, or at once."""
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {EFFECTS} VALUES (%s)", [task_id])  # noqa: S608, a constant

    def effects(self) -> Counter[str]:
        """Return how often each task had its effect, as far as it was committed."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT task_id, count(*) FROM {EFFECTS} GROUP BY task_id")  # noqa: S608
            return Counter(dict(cursor.fetchall()))
