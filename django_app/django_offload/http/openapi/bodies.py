"""The bodies that a TriggerView takes."""

from inspect import Parameter
from typing import Any

from django import forms

from ...definition.offload_task import AnyTask
from ...definition.signatures import signature_of
from ..arguments import FORM_TYPES, SELF
from ..nesting import MOST_LEVELS
from .answers import JSON, Node

KINDS: tuple[tuple[type[forms.Field], Node], ...] = (
    (forms.IntegerField, {"type": "integer"}),
    (forms.FloatField, {"type": "number"}),
    (forms.DateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateField, {"type": "string", "format": "date"}),
    (forms.TimeField, {"type": "string", "format": "time"}),
    (forms.UUIDField, {"type": "string", "format": "uuid"}),
    (forms.EmailField, {"type": "string", "format": "email"}),
    (forms.URLField, {"type": "string", "format": "uri"}),
    # JSONField is derived from it, and takes everything.
    (forms.JSONField, {}),
    # A form makes text of these, except of the character that no database stores.
    (forms.CharField, {"type": ["string", "number", "boolean", "null"], "pattern": r"^[^\u0000]*$"}),
)
LIMITS = {
    "min_value": "minimum",
    "max_value": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}


def body_of(task: AnyTask, form_class: type[forms.BaseForm] | None) -> Node:
    """Return the body of a request that starts a task, with the fields of a form or the task's parameters."""
    schema = arguments_schema(task) if form_class is None else form_schema(form_class)
    types = (JSON,) if form_class is None else (JSON, *FORM_TYPES)
    return {
        "description": f"JSON is nested at most {MOST_LEVELS} levels deep.",
        "required": bool(schema.get("required")),
        "content": {content_type: {"schema": schema} for content_type in types},
    }


def arguments_schema(task: AnyTask) -> Node:
    """Return the schema of the object with a task's keyword arguments. The view checks only their names."""
    schema: Node = {"type": "object", "properties": {}, "additionalProperties": False}
    required = []
    for name, parameter in signature_of(task).parameters.items():
        if parameter.kind is Parameter.VAR_KEYWORD:
            # No keyword argument of enqueue() can have this name.
            schema["additionalProperties"] = True
            schema["propertyNames"] = {"not": {"const": SELF}}
        elif parameter.kind in {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}:
            schema["properties"][name] = {}
            if parameter.default is Parameter.empty:
                required.append(name)
    return schema | ({"required": required} if required else {})


def form_schema(form_class: type[forms.BaseForm]) -> Node:
    """Return the schema of a form's fields, by their kinds. The form itself may ask for more."""
    fields: dict[str, forms.Field] = getattr(form_class, "base_fields", {})
    required = [name for name, field in fields.items() if field.required]
    schema: Node = {
        "type": "object",
        "properties": {name: field_schema(field) for name, field in fields.items()},
    }
    return schema | ({"required": required} if required else {})


def field_schema(field: forms.Field) -> Node:
    schema: Node = next((dict(node) for kind, node in KINDS if isinstance(field, kind)), {})
    # A ModelChoiceField would read its table, and the choices of today aren't those of tomorrow.
    if isinstance(field, forms.ChoiceField) and not isinstance(
        field, forms.ModelChoiceField | forms.MultipleChoiceField
    ):
        schema = {"type": "string", "enum": [str(value) for value in flat(field.choices)]}
    for limit, keyword in LIMITS.items():
        value = getattr(field, limit, None)
        if isinstance(value, int | float) and "type" in schema:
            schema[keyword] = value
    if field.required and "pattern" in schema:
        schema |= {"type": schema["type"][:-1], "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
    for keyword, text in (("title", field.label), ("description", field.help_text)):
        if text:
            schema[keyword] = str(text)
    return schema


def flat(choices: Any) -> list[Any]:
    """Return the values of choices, also those in groups, without the empty one."""
    values: list[Any] = []
    for value, label in choices:
        values += flat(label) if isinstance(label, list | tuple) else [value]
    return [value for value in values if value not in {"", None}]
