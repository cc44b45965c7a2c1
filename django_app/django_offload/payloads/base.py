"""The interface to texts that are too large for a message or a record, or that were not verified."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ..exceptions import PayloadLost
from ..protocol.enqueued_task import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in the bucket, without its bytes."""

    key: str
    size: int
    stored_at: datetime


class Payloads(ABC):
    """Stores bytes under keys."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store the bytes under a key."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """Return the bytes, or None if there is no such key. Raise PayloadLost if access is denied."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete the bytes under a key, if there are any."""

    @abstractmethod
    def objects_under(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects whose keys start with `prefix`, in the order of their keys."""

    def keep(self, key: str, text: str) -> Reference:
        """Store an ASCII text, and return the reference by which fetch() reads it."""
        data = text.encode("ascii")
        self.put(key, data)
        return Reference(key=key, sha256=sha256(data).hexdigest(), size=len(data))

    def fetch(self, reference: Reference) -> str:
        """Return a stored text. Raise PayloadLost if it is gone or was changed."""
        data = self.get(reference.key)
        if data is None:
            raise PayloadLost(reference.key, "gone")
        if sha256(data).hexdigest() != reference.sha256:
            raise PayloadLost(reference.key, "different from what was stored")
        return data.decode("ascii")
