"""
Let a form refuse whatever a request carries.

The fields and widgets of Django's forms expect the texts of a browser. A JSON object also has numbers, lists
and objects, of which some fields make an AttributeError, and numbers that no float can hold.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files import File
from django.forms import BaseForm, CharField, Field, JSONField
from django.utils.translation import gettext as _

from .nesting import guard_json_fields

# What a field raises for a text, or a number, that it doesn't take.
OF_ANY_VALUE = (ArithmeticError, ValueError)
# And for a list, an object or a number. For a text, these are mistakes in the field, which nothing hides.
OF_OTHER_VALUES = (*OF_ANY_VALUE, AttributeError, LookupError, TypeError)


class Unreadable:
    """The value that a widget couldn't read, which its field refuses."""


def guard_fields(form: BaseForm) -> None:
    """Have each field of a form raise ValidationError for every value that it can't take."""
    fields: dict[str, Field] = getattr(form, "fields", {})
    guard_json_fields(fields.values())
    for field in fields.values():
        # A form has fields and widgets of its own.
        read, clean = field.widget.value_from_datadict, field.clean
        field.widget.value_from_datadict = partial(read_or_refuse, read)
        field.clean = partial(clean_or_refuse, clean)  # type: ignore[method-assign]


def read_or_refuse(read: Callable[..., Any], data: Any, files: Any, name: str) -> Any:
    try:
        return read(data, files, name)
    except OF_OTHER_VALUES:
        return Unreadable()


def clean_or_refuse(clean: Callable[..., Any], value: Any, *more: Any) -> Any:
    problem = ValidationError(_("Enter a valid value."), "invalid")
    if isinstance(value, Unreadable):
        raise problem
    refused = OF_ANY_VALUE if value is None or isinstance(value, str | File) else OF_OTHER_VALUES
    try:
        return clean(value, *more)
    except refused as exc:
        raise problem from exc


def refuse_structures(form: BaseForm) -> None:
    """Add an error to each field for text that got a list or an object, of which it would make text."""
    for name, field in getattr(form, "fields", {}).items():
        if isinstance(field, CharField) and not isinstance(field, JSONField):
            value = field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
            if isinstance(value, list | dict):
                form.add_error(name, ValidationError(_("Enter text, not a list or an object."), "invalid"))
