"""The database of the tasks: transactions, and the markers that context.atomic() keeps in it."""

from collections.abc import Callable

from django.db import DatabaseError

from .ledger import Ledger
from .network import Network


class Database:
    """
    Keeps what django_offload.effects.marker.once() promises.

    Of two transactions with the same marker, the one that stalls is ended by the database.
    """

    def __init__(self, network: Network, ledger: Ledger) -> None:
        self._network, self._ledger = network, ledger
        self._markers: dict[tuple[str, str], str] = {}
        self._open: dict[tuple[str, str], object] = {}

    def once(self, task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
        """Stand in for the function of the same name."""
        return self._network.call(task_id, self._transaction, task_id, key, run)

    def _transaction(self, task_id: str, key: str, run: Callable[[], str]) -> str:
        marker, own, actor = (task_id, key), object(), self._network.actor
        if marker in self._markers:
            return self._markers[marker]
        self._open[marker], actor.staged = own, []
        try:
            text = run()
            self._network.call(task_id, lambda: None)  # The effect's own statements.
            if self._open.get(marker) is not own:
                raise DatabaseError("terminating connection due to idle-in-transaction timeout")
            self._markers[marker] = text
            for effected in actor.staged:
                self._ledger.entries[effected].effects += 1
            return text
        finally:
            actor.staged = None
            if self._open.get(marker) is own:
                del self._open[marker]

    def effect(self, task_id: str) -> None:
        """Do something that counts: with the transaction that is open, or at once."""
        staged = self._network.actor.staged
        if staged is None:
            self._ledger.entries[task_id].effects += 1
        else:
            staged.append(task_id)
