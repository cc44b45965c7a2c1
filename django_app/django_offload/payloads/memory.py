"""Payloads in this process's memory, for tests and simulations."""

from collections.abc import Iterator
from datetime import UTC, datetime

from ..aws.memory_limits import check_object_key
from .base import Payloads, StoredObject


class MemoryPayloads(Payloads):
    """Stores what S3 would."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._stored_at: dict[str, datetime] = {}

    def put(self, key: str, data: bytes) -> None:
        check_object_key(key)
        self.objects[key] = data
        self._stored_at[key] = datetime.now(UTC)

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def objects_under(self, prefix: str) -> Iterator[StoredObject]:
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            yield StoredObject(key=key, size=len(self.objects[key]), stored_at=self._stored_at[key])
