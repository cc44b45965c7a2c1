"""Values of Python that a settings module may hold besides JSON."""

import json
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

BACKEND = "django_offload.backends.SQSBackend"


class Hostile:
    """Raises whatever it is asked."""

    def __repr__(self) -> str:
        raise SystemExit(3)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __iter__(self) -> Any:
        raise RuntimeError("no items")


class HostileDict(dict[Any, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items")

    get = keys = __getitem__ = __iter__ = items


class HostileMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(key)

    def __iter__(self) -> Any:
        return iter(["stack", "BACKEND"])

    def __len__(self) -> int:
        return 2


class HostileNumber(int):
    def __le__(self, other: object) -> bool:
        raise RuntimeError("no order")

    __lt__ = __ge__ = __gt__ = __index__ = __le__  # type: ignore[assignment]


class Text(StrEnum):
    stack = "shop-enum"
    backend = BACKEND


class Number(IntEnum):
    one = 1


class Minutes(timedelta):
    """As pandas has one."""


def nested(levels: int, kind: type[Any]) -> Any:
    value: Any = kind()
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


# What a settings module can hold besides JSON.
OBJECTS: list[Any] = [
    *(10**5_000, -(10**400), float("inf"), float("nan"), b"x", bytearray(b"x"), {1, 2}, frozenset(), 1 + 2j),
    *(gettext_lazy("shop-dev"), SimpleLazyObject(lambda: 1 / 0), SimpleLazyObject(lambda: "shop-dev")),
    *(Path("/x"), Decimal(1), Decimal("sNaN"), date(2026, 1, 1), timedelta.max, timedelta(-1), object()),
    *(Hostile(), HostileDict(a=1), HostileMapping(), HostileNumber(5), Text.stack, Text.backend, Number.one),
    *(nested(3_000, list), nested(3_000, dict), endless(), range(3), iter([1]), deque("ab"), OrderedDict()),
    *(len, int, type, json, ..., "\ud800", "x" * 100_000, "sys.exit", "tests.unit.conf.exits", lambda: 1),
    *({None: 1}, {1: 2}, {b"a": 1}, {("a",): 1}, {"\ud800": 1}, {Hostile(): 1}, ("default",), {"default"}),
]
