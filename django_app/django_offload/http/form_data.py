"""
Give a form the values of a JSON object as texts, as a browser would send them.

Fields and widgets expect texts. Many of Django's raise AttributeError for a number, or TypeError for a list.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm, Field, JSONField, MultiValueField
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _


def give_texts(form: BaseForm, values: Mapping[str, Any]) -> set[str]:
    """
    Replace a bound form's data, the values of a JSON object, by their texts.

    A list becomes several texts for a field that takes several. Return the names of the fields that take
    neither the list nor the object that they got: they have its JSON.
    """
    structures: set[str] = set()
    if isinstance(form.data, MultiValueDict):
        return structures  # The view has made data of its own.
    form.data = MultiValueDict({name: texts_of(value) for name, value in values.items()})
    for name, field in parts_of(form):
        value = values.get(name)
        if isinstance(field, JSONField) and name in values:
            form.data.setlist(name, [value if isinstance(value, str) else json.dumps(value)])
        elif isinstance(value, list) and is_array(field):
            form.data.setlist(name, [texts_of(value)])  # It has one text for them, or takes the list itself.
        elif isinstance(value, dict) or (isinstance(value, list) and not takes_several(form, name, field)):
            form.data.setlist(name, [json.dumps(value)])
            structures.add(name)
    return structures


def text_of(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value)
    return "" if value is None else str(value)


def texts_of(value: Any) -> list[Any]:
    """Return the texts of the values of a list, or of a value that is none."""
    return [text_of(one) for one in (value if isinstance(value, list) else [value])]


def parts_of(form: BaseForm) -> Iterator[tuple[str, Field]]:
    """Yield each field of a form by its name in the data, and the fields inside it."""
    for name, field in getattr(form, "fields", {}).items():
        key = form.add_prefix(name)
        yield key, field
        if isinstance(field, MultiValueField):
            suffixes = getattr(field.widget, "widgets_names", ())
            for suffix, inner in zip(suffixes, field.fields, strict=False):
                yield f"{key}{suffix}", inner


def takes_several(form: BaseForm, name: str, field: Field) -> bool:
    """Return True if a field's widget reads all values of its name, as that of a multiple choice does."""
    return isinstance(field.widget.value_from_datadict(form.data, form.files, name), list)


def is_array(field: Field) -> bool:
    """Return True for SimpleArrayField, which can only be imported where psycopg is installed."""
    return hasattr(field, "base_field")


def refuse_structures(form: BaseForm, structures: set[str]) -> None:
    """Add an error to each field that would take the JSON of its list or object for a text."""
    for name, field in getattr(form, "fields", {}).items():
        if form.add_prefix(name) not in structures or isinstance(field, MultiValueField):
            continue
        if name not in form.errors:
            form.add_error(name, ValidationError(_("Enter text, not a list or an object."), "invalid"))
