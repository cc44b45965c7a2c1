"""The seam to where large or unverified texts are kept."""

from abc import ABC, abstractmethod


class Payloads(ABC):
    """Keeps bytes under a key."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`, None if nothing is."""
