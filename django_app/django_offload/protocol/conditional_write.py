"""A conditional write as data: the condition on a record, and the changes to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The stored form of a record, or of a part beside it. Instants are whole microseconds since 1970 UTC.
type Value = str | int | bool | list[str]
type Attributes = Mapping[str, Value]


class Operator(Enum):
    """How a condition compares an attribute. A missing attribute passes only ABSENT."""

    EQUALS = "="
    AT_MOST = "<="
    ABSENT = "absent"
    DIFFERS = "<>"
    SHORTER = "shorter"  # The attribute is a list with fewer entries than the operand.

    # Enum's own hash is a Python call, and every write needs a dozen. A member is equal only to itself.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one attribute."""

    name: str
    operator: Operator
    operand: Value = 0

    def holds(self, attributes: Attributes) -> bool:
        value, operator = attributes.get(self.name), self.operator
        if operator is Operator.ABSENT or value is None:
            return operator is Operator.ABSENT and value is None
        # For DynamoDB, values of two types are neither equal nor in an order. In Python, True equals 1.
        comparable = kind_of(value) is kind_of(self.operand)
        if operator is Operator.EQUALS:
            return comparable and value == self.operand
        if operator is Operator.AT_MOST:
            return comparable and value <= self.operand  # type: ignore[operator]
        if operator is Operator.DIFFERS:
            return not comparable or value != self.operand
        return isinstance(value, list) and len(value) < int(self.operand)  # type: ignore[arg-type]


def kind_of(value: object) -> type:
    """Return the type of a value, of which DynamoDB has one for all numbers."""
    kind = type(value)
    return int if kind is float else kind


def equals(name: str, operand: Value) -> Condition:
    return Condition(name, Operator.EQUALS, operand)


def at_most(name: str, operand: int) -> Condition:
    return Condition(name, Operator.AT_MOST, operand)


def differs(name: str, operand: Value) -> Condition:
    return Condition(name, Operator.DIFFERS, operand)


def absent(name: str) -> Condition:
    return Condition(name, Operator.ABSENT)


def shorter(name: str, operand: int) -> Condition:
    return Condition(name, Operator.SHORTER, operand)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalWrite:
    """
    One conditional write to one record.

    It is made if all conditions of at least one alternative in `conditions` hold. Otherwise nothing changes.
    """

    name: str  # The name of the transition, for logs.
    conditions: tuple[tuple[Condition, ...], ...]
    put: Attributes = field(default_factory=dict)  # Overwrites attributes.
    set_if_absent: Attributes = field(default_factory=dict)
    append: Mapping[str, str] = field(default_factory=dict)  # To a list, which is created if it is missing.
    increment: Mapping[str, int] = field(default_factory=dict)  # From 0 if the attribute is missing.
    remove: frozenset[str] = frozenset()
    returns_old: bool = True  # False saves AWS from returning the old record, if nobody needs it.

    def allowed(self, attributes: Attributes | None) -> bool:
        """Return True if the conditions hold for this record (None: there is no record)."""
        record = attributes or {}
        for conditions in self.conditions:
            for condition in conditions:
                if not condition.holds(record):
                    break
            else:
                return True
        return False

    def apply(self, attributes: Attributes | None) -> dict[str, Value]:
        """
        Return the record after this write, which must be allowed.

        Raise TypeError, as AWS would refuse it, if it adds to a value of another type.
        """
        record = {**self.set_if_absent, **(attributes or {}), **self.put}
        for name, value in self.append.items():
            record[name] = record.get(name, []) + [value]  # type: ignore[operator]  # noqa: RUF005
        for name, step in self.increment.items():
            number = record.get(name, 0)
            if number is True or number is False:
                raise TypeError(f"The attribute {name} is not a number.")
            record[name] = number + step  # type: ignore[operator]
        for name in self.remove:
            record.pop(name, None)
        return record


class Refused(Exception):
    """The conditions of a write don't hold for the current record (None: there is no record)."""

    def __init__(self, change: ConditionalWrite, current: Attributes | None) -> None:
        self.change, self.current = change, current
        super().__init__(change.name)

    @property
    def already_applied(self) -> bool:
        """
        Return True if the record shows the write, because it was repeated after its reply was lost.

        This is reliable only if no other writer puts the same values. An instant in microseconds is enough.
        """
        put, current = self.change.put, self.current or {}
        return bool(put) and all(current.get(name) == value for name, value in put.items())
