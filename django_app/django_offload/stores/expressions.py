"""A Change in DynamoDB's words: UpdateExpression and ConditionExpression."""

from collections.abc import Iterator
from typing import Any

from ..change import Change, Operator, Test, Value


def attribute(value: Value) -> dict[str, Any]:
    """Return a value in DynamoDB's typed form."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"L": [attribute(entry) for entry in value]}


def plain(typed: dict[str, Any]) -> Value:
    """Return a value of DynamoDB's typed form; every number of ours is whole."""
    ((kind, value),) = typed.items()
    if kind == "N":
        return int(value)
    if kind == "L":
        return [str(plain(entry)) for entry in value]
    return value  # type: ignore[no-any-return]


class Expressions:
    """Builds the arguments of UpdateItem for one Change; every name is aliased, some are reserved words."""

    def __init__(self, change: Change) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, Any]] = {}
        self._change = change

    def arguments(self) -> dict[str, Any]:
        """Return UpdateExpression, ConditionExpression and what they refer to."""
        change = self._change
        update = "SET " + ", ".join(self._assignments()) if self._has_assignments() else ""
        if change.remove:
            update += " REMOVE " + ", ".join(self._name(name) for name in sorted(change.remove))
        result = {
            "UpdateExpression": update.strip(),
            "ConditionExpression": " OR ".join(f"({self._all(tests)})" for tests in change.when),
            "ExpressionAttributeNames": self._names,
        }
        return result | ({"ExpressionAttributeValues": self._values} if self._values else {})

    def _has_assignments(self) -> bool:
        change = self._change
        return bool(change.put or change.born or change.append or change.increment)

    def _assignments(self) -> Iterator[str]:
        change = self._change
        for name, value in change.put.items():
            yield f"{self._name(name)} = {self._value(value)}"
        for name, value in change.born.items():
            # The keys stand in the Key argument; DynamoDB refuses them here.
            if name != "id" and name not in change.put and name not in change.remove:
                yield f"{self._name(name)} = if_not_exists({self._name(name)}, {self._value(value)})"
        for name, entry in change.append.items():
            held = f"if_not_exists({self._name(name)}, {self._value([])})"
            yield f"{self._name(name)} = list_append({held}, {self._value([entry])})"
        for name, step in change.increment.items():
            held = f"if_not_exists({self._name(name)}, {self._value(0)})"
            yield f"{self._name(name)} = {held} + {self._value(step)}"

    def _all(self, tests: tuple[Test, ...]) -> str:
        return " AND ".join(self._test(test) for test in tests)

    def _test(self, test: Test) -> str:
        name = self._name(test.name)
        if test.operator is Operator.ABSENT:
            return f"attribute_not_exists({name})"
        if test.operator is Operator.SHORTER:
            return f"size({name}) < {self._value(test.operand)}"
        return f"{name} {test.operator.value} {self._value(test.operand)}"

    def _name(self, name: str) -> str:
        alias = f"#{name}"
        self._names[alias] = name
        return alias

    def _value(self, value: Value) -> str:
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = attribute(value)
        return placeholder
