"""Payloads in this process's memory, for tests and simulations."""

from .base import Payloads


class MemoryPayloads(Payloads):
    """Keeps what S3 would keep."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)
