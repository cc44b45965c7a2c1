"""A conditional write as data: what must hold of a record, and what becomes of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The stored form of a record, or of a part beside it. Instants are whole microseconds since 1970 UTC.
type Value = str | int | bool | list[str]
type Attributes = Mapping[str, Value]


class Operator(Enum):
    """How a test compares an attribute; an absent attribute passes only ABSENT."""

    EQUALS = "="
    AT_MOST = "<="
    ABSENT = "absent"
    SHORTER = "shorter"  # A list of fewer entries than the operand.

    # Each is itself alone; Enum's own hash takes a call of Python, and every write asks for a dozen.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one attribute."""

    __test__ = False  # Not a test class, whatever pytest thinks of the name.

    name: str
    operator: Operator
    operand: Value = 0

    def holds(self, attributes: Attributes) -> bool:
        """Tell whether `attributes` pass."""
        value, operator = attributes.get(self.name), self.operator
        if operator is Operator.ABSENT or value is None:
            return operator is Operator.ABSENT and value is None
        if operator is Operator.EQUALS:
            return value == self.operand
        if operator is Operator.AT_MOST:
            return value <= self.operand  # type: ignore[operator]
        return isinstance(value, list) and len(value) < int(self.operand)  # type: ignore[arg-type]


def equals(name: str, operand: Value) -> Condition:
    return Condition(name, Operator.EQUALS, operand)


def at_most(name: str, operand: int) -> Condition:
    return Condition(name, Operator.AT_MOST, operand)


def absent(name: str) -> Condition:
    return Condition(name, Operator.ABSENT)


def shorter(name: str, operand: int) -> Condition:
    return Condition(name, Operator.SHORTER, operand)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalWrite:
    """
    One conditional write to one record.

    It is made when all tests of at least one entry of `when` hold, and else refused whole.
    """

    name: str  # For logs: which transition this is.
    conditions: tuple[tuple[Condition, ...], ...]
    put: Attributes = field(default_factory=dict)  # Set, whatever was there.
    set_if_absent: Attributes = field(default_factory=dict)  # Set where absent.
    append: Mapping[str, str] = field(default_factory=dict)  # To the end of a list, made where absent.
    increment: Mapping[str, int] = field(default_factory=dict)  # From zero where absent.
    remove: frozenset[str] = frozenset()
    returns_old: bool = True  # False: nobody asks for the record as it was, so it is not sent back.

    def allowed(self, attributes: Attributes | None) -> bool:
        """Tell whether a record in this state (None: no record) takes the change."""
        found = attributes or {}
        for tests in self.conditions:
            for test in tests:
                if not test.holds(found):
                    break
            else:
                return True
        return False

    def apply(self, attributes: Attributes | None) -> dict[str, Value]:
        """Return the record after the change, which must be allowed."""
        after = {**self.set_if_absent, **(attributes or {}), **self.put}
        for name, value in self.append.items():
            after[name] = [*after.get(name, []), value]  # type: ignore[misc]
        for name, step in self.increment.items():
            after[name] = int(after.get(name, 0)) + step  # type: ignore[arg-type]
        for name in self.remove:
            after.pop(name, None)
        return after


class Refused(Exception):
    """A conditional write found a record (None: no record) that does not take it."""

    def __init__(self, change: ConditionalWrite, current: Attributes | None) -> None:
        self.change, self.current = change, current
        super().__init__(change.name)

    @property
    def made(self) -> bool:
        """
        Tell whether the record shows the change: it was made, and written again since its reply was lost.

        What the change puts must be its writer's alone: an instant to the microsecond says that well enough.
        """
        put, current = self.change.put, self.current or {}
        return bool(put) and all(current.get(name) == value for name, value in put.items())
