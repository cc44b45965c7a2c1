"""
Refuse JSON from outside that is nested too deeply, before anything walks through it level by level.

The limit doesn't depend on the place: a request may be far nearer to Python's recursion limit than a test.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import JSONField
from django.utils.translation import gettext as _

from ..protocol.json_codec import is_too_deep

# Of lists and objects in each other, of the body or of a field of a form with JSON.
MOST_LEVELS = 100


def too_deep() -> str:
    return _("The JSON is nested more than %(most)d levels deep. Send flatter values.") % {
        "most": MOST_LEVELS
    }


@dataclass(slots=True)
class ShallowDecoder:
    """The decoder of a form's field, which takes any text that Python can't read for invalid JSON."""

    decoder: Callable[..., json.JSONDecoder]
    messages: dict[str, Any]  # Of the field's errors.

    def __call__(self, **options: Any) -> "ShallowDecoder":
        """Return what json.loads() makes of its argument `cls`."""
        return ShallowDecoder(lambda: self.decoder(**options), self.messages)

    def decode(self, text: str) -> Any:
        if is_too_deep(text, MOST_LEVELS):
            self.messages["invalid"] = too_deep()
            raise json.JSONDecodeError("It is nested too deeply", "", 0)
        try:
            return self.decoder().decode(text)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as exc:  # Such as a number of more than 4,300 digits.
            raise json.JSONDecodeError("Python can't read it", "", 0) from exc


def guard_json_fields(fields: Any) -> None:
    """Give each field with JSON a decoder that refuses deep texts, also inside a MultiValueField."""
    for field in fields:
        if isinstance(field, JSONField) and not isinstance(field.decoder, ShallowDecoder):
            decoder: Any = ShallowDecoder(field.decoder or json.JSONDecoder, field.error_messages)
            field.decoder = decoder
        guard_json_fields(getattr(field, "fields", ()))
