"""The seam to where large or unverified texts are kept."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ..exceptions import PayloadLost
from ..protocol.enqueued_task import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of bytes without reading them."""

    key: str
    size: int
    kept_at: datetime


class Payloads(ABC):
    """Keeps bytes under a key."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`, None if nothing is. Raise PayloadLost if nobody says."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forget what is kept under `key`, if anything is."""

    @abstractmethod
    def under(self, prefix: str) -> Iterator[Kept]:
        """Yield what is kept under keys that begin with `prefix`, in their order."""

    def keep(self, key: str, text: str) -> Reference:
        """Keep an ASCII text, and return how to get it back."""
        data = text.encode("ascii")
        self.put(key, data)
        return Reference(key=key, sha256=sha256(data).hexdigest(), size=len(data))

    def fetch(self, reference: Reference) -> str:
        """Return a text that was kept. Raise PayloadLost if it is gone, or not what was kept."""
        data = self.get(reference.key)
        if data is None:
            raise PayloadLost(reference.key, "gone")
        if sha256(data).hexdigest() != reference.sha256:
            raise PayloadLost(reference.key, "not what was kept there")
        return data.decode("ascii")
