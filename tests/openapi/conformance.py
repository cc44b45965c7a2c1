"""Hold an answer against an OpenAPI document, as far as the library's document goes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponse

KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
# The keywords that the document has.
KNOWN = {
    *("$ref", "type", "enum", "anyOf", "properties", "required", "additionalProperties", "minProperties"),
    *("items", "minItems", "pattern", "minLength", "maxLength", "minimum", "format"),
    *("description", "title"),
}
# What a header looks like, more exactly than in the document.
FORMS = {"Retry-After": r"\d+$", "Cache-Control": "private"}


class Conformance:
    """A document, and what of it was seen in answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.seen: set[tuple[str, str]] = set()

    @property
    def documented(self) -> set[tuple[str, str]]:
        """Every status of every operation."""
        return {
            (operation["operationId"], status)
            for _path, _method, operation in operations(self.document)
            for status in operation["responses"]
        }

    def problems(self, method: str, path: str, response: HttpResponse) -> list[str]:
        """Return how an answer differs from the document. Remember its status."""
        methods = self.methods_at(path)
        if methods is None:
            return []
        operation = methods.get(method.lower())
        if operation is None:
            allowed = {name.upper() for name in methods if name != "parameters"} | {"OPTIONS"}
            # Django refuses hosts, CSRF and what isn't permitted before it looks at the method.
            if response.status_code in {400, 403}:
                return []
            found = set(response.headers.get("Allow", "").split(", "))
            if response.status_code != 405 or not found <= allowed:
                return [f"{method} isn't documented: {response.status_code}, Allow: {found}"]
            return []
        name, status = operation["operationId"], str(response.status_code)
        answer = operation["responses"].get(status)
        if answer is None:
            return [f"{name} answers {status}, which isn't documented"]
        self.seen.add((name, status))
        return [f"{name} {status}: {problem}" for problem in self.of_answer(answer, response)]

    def methods_at(self, path: str) -> Mapping[str, Any] | None:
        for template, methods in self.document["paths"].items():
            pattern = re.escape(template).replace(r"\{task_id\}", "[0-9a-f]{32}")
            if re.fullmatch(pattern, path.partition("?")[0]):
                return dict(methods)
        return None

    def of_answer(self, answer: Mapping[str, Any], response: HttpResponse) -> Iterator[str]:
        for name, header in answer.get("headers", {}).items():
            value = response.headers.get(name)
            if value is None:
                if header.get("required"):
                    yield f"has no {name}"
            elif not re.match(FORMS.get(name, ""), value):
                yield f"{name} is {value}"
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        content = answer.get("content")
        if content is None:
            if response.content:
                yield "has a body"
        elif kind not in content:
            yield f"is {kind}"
        elif kind == "application/json":
            yield from self.of_value(content[kind]["schema"], response.json(), "")

    def of_value(self, schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
        assert not schema.keys() - KNOWN, f"Teach this test {schema.keys() - KNOWN}."
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema and all(any(self.of_value(one, value, place)) for one in schema["anyOf"]):
            yield f"{place} fits nothing"
        types = schema.get("type", list(KINDS))
        types = [types] if isinstance(types, str) else types
        if not any(isinstance(value, KINDS[kind]) for kind in types):
            yield f"{place} is {value!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{place} is {value!r}"
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            yield f"{place} is {value!r}"
        if isinstance(value, dict):
            yield from self.of_object(schema, value, place)
        if isinstance(value, list):
            if len(value) < schema.get("minItems", 0):
                yield f"{place} is empty"
            for number, item in enumerate(value):
                yield from self.of_value(schema.get("items", {}), item, f"{place}[{number}]")

    def of_object(self, schema: Mapping[str, Any], value: dict[str, Any], place: str) -> Iterator[str]:
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from (f"{place} lacks {name}" for name in schema.get("required", ()) if name not in value)
        if len(value) < schema.get("minProperties", 0):
            yield f"{place} is empty"
        for name, item in value.items():
            if name in properties:
                yield from self.of_value(properties[name], item, f"{place}.{name}")
            elif more is False:
                yield f"{place} has {name}"
            elif isinstance(more, dict):
                yield from self.of_value(more, item, f"{place}.{name}")


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the path, the method and the description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation
