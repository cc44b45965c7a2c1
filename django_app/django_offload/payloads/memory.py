"""Payloads in this process's memory, for tests and simulations."""

from collections.abc import Iterator
from datetime import UTC, datetime

from .base import Kept, Payloads


class MemoryPayloads(Payloads):
    """Keeps what S3 would keep."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._times: dict[str, datetime] = {}

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data
        self._times[key] = datetime.now(UTC)

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def under(self, prefix: str) -> Iterator[Kept]:
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            yield Kept(key=key, size=len(self.objects[key]), kept_at=self._times[key])
