"""A Change in DynamoDB's words: UpdateExpression and ConditionExpression."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from ..protocol.conditional_write import ConditionalWrite, Operator, Value

type Names = tuple[str, ...]
type Tests = tuple[tuple[str, Operator], ...]

# Of a write that makes an item where there is none of its key.
IF_ABSENT: Mapping[str, Any] = {
    "ConditionExpression": "attribute_not_exists(#id)",
    "ExpressionAttributeNames": {"#id": "id"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
# More than any Change has: made once, for every write needs a dozen.
PLACES = tuple(f":v{number}" for number in range(100))


def attribute(value: Value) -> dict[str, Any]:
    """Return a value in DynamoDB's typed form."""
    if isinstance(value, str):
        return {"S": value}
    if type(value) is int:
        return {"N": str(value)}
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


def update(change: ConditionalWrite) -> dict[str, Any]:
    """Return the arguments of UpdateItem for a Change: two expressions, and what they refer to."""
    put, remove = change.put, change.remove
    # The keys stand in the Key argument, and DynamoDB refuses them here.
    set_if_absent = [
        name for name in change.set_if_absent if name not in put and name not in remove and name != "id"
    ]
    written = _written(
        tuple(put),
        tuple(set_if_absent),
        tuple(change.append),
        tuple(change.increment),
        remove,
        tuple([tuple([(test.name, test.operator) for test in tests]) for tests in change.conditions]),
    )
    # In the order in which _Writing takes places for them.
    values: list[Value] = [*put.values(), *[change.set_if_absent[name] for name in set_if_absent]]
    for entry in change.append.values():
        values += [], [entry]
    for step in change.increment.values():
        values += 0, step
    for tests in change.conditions:
        values += [test.operand for test in tests if test.operator is not Operator.ABSENT]
    if not values:
        return dict(written)
    return {
        **written,
        "ExpressionAttributeValues": {
            PLACES[number]: attribute(value) for number, value in enumerate(values)
        },
    }


# A transition's text stays the same but for its values: written once, it saves a sixth of a worker's time.
@lru_cache(maxsize=256)
def _written(
    put: Names,
    set_if_absent: Names,
    append: Names,
    increment: Names,
    remove: frozenset[str],
    conditions: tuple[Tests, ...],
) -> Mapping[str, Any]:
    writing = _Writing()
    clauses = list(writing.clauses(put, set_if_absent, append, increment))
    sets = "SET " + ", ".join(clauses) if clauses else ""
    removes = "REMOVE " + ", ".join(map(writing.name, sorted(remove))) if remove else ""
    condition = " OR ".join([f"({' AND '.join(map(writing.test, tests))})" for tests in conditions])
    return {
        "UpdateExpression": f"{sets} {removes}".strip(),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": writing.names,
    }


def absent(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the arguments of an UpdateItem that writes typed attributes where there is no item of its key.

    Refused, it answers with the item that is there.
    """
    values = {f":{name}": value for name, value in attributes.items()}
    return {**_absent(tuple(attributes)), "ExpressionAttributeValues": values}


@lru_cache(maxsize=256)
def _absent(names: Names) -> Mapping[str, Any]:
    return {
        **IF_ABSENT,
        "UpdateExpression": "SET " + ", ".join([f"#{name} = :{name}" for name in names]),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("id", *names)},
    }


class _Writing:
    """Takes names and places as it writes; every name is aliased, some are reserved words."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._places = count()

    def clauses(self, put: Names, set_if_absent: Names, append: Names, increment: Names) -> Iterator[str]:
        for name in map(self.name, put):
            yield f"{name} = {self._place()}"
        for name in map(self.name, set_if_absent):
            yield f"{name} = if_not_exists({name}, {self._place()})"
        for name in map(self.name, append):
            yield f"{name} = list_append(if_not_exists({name}, {self._place()}), {self._place()})"
        for name in map(self.name, increment):
            yield f"{name} = if_not_exists({name}, {self._place()}) + {self._place()}"

    def test(self, test: tuple[str, Operator]) -> str:
        name, operator = self.name(test[0]), test[1]
        if operator is Operator.ABSENT:
            return f"attribute_not_exists({name})"
        if operator is Operator.SHORTER:
            return f"size({name}) < {self._place()}"
        return f"{name} {operator.value} {self._place()}"

    def name(self, name: str) -> str:
        alias = f"#{name}"
        self.names[alias] = name
        return alias

    def _place(self) -> str:
        return f":v{next(self._places)}"
