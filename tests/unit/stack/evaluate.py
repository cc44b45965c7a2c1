"""Evaluate a template as CloudFormation would with some parameters."""

from collections.abc import Mapping
from typing import Any

_ABSENT = object()


class Evaluated:
    """The resources whose conditions hold, with parameters and mappings resolved. Other references stay."""

    def __init__(self, document: Mapping[str, Any], **parameters: object) -> None:
        self._document = document
        defaults = {name: properties.get("Default") for name, properties in document["Parameters"].items()}
        self.parameters = {**defaults, **parameters}
        self.resources: dict[str, dict[str, Any]] = {
            name: self._read(resource)
            for name, resource in document["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of a type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self._holds(self._document["Conditions"][condition])
        ((function, arguments),) = condition.items()
        if function == "Condition":
            return self._holds(arguments)
        if function == "Fn::And":
            return all(self._holds(argument) for argument in arguments)
        if function == "Fn::Not":
            return not self._holds(arguments[0])
        left, right = (self._read(argument) for argument in arguments)
        return bool(left == right)

    def _read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [read for element in value if (read := self._read(element)) is not _ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, arguments),) = value.items()
            if function == "Ref" and arguments in self.parameters:
                return self.parameters[arguments]
            if function == "Ref" and arguments == "AWS::NoValue":
                return _ABSENT
            if function == "Fn::If":
                return self._read(arguments[1 if self._holds(arguments[0]) else 2])
            if function == "Fn::FindInMap":
                name, first, second = (self._read(argument) for argument in arguments)
                return self._document["Mappings"][name][first][second]
        values = {key: self._read(element) for key, element in value.items()}
        return {key: element for key, element in values.items() if element is not _ABSENT}
