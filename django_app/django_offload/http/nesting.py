"""
Refuse JSON from outside that is nested too deeply, before anything walks through it level by level.

The limit doesn't depend on the place: a request may be far nearer to Python's recursion limit than a test.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.forms import JSONField
from django.utils.translation import gettext as _

# Of lists and objects in each other, of the body or of a field of a form with JSON.
MOST_LEVELS = 100
# A string, also one without an end, or anything else than a bracket. It never goes back: linear time.
other_than_brackets = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^][{}"]++', re.DOTALL)
STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def is_too_deep(text: str) -> bool:
    """
    Return True if a JSON text has more than MOST_LEVELS lists and objects in each other.

    Of a text that isn't JSON, the part that a parser reads before it finds out counts.
    """
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return False
    brackets = other_than_brackets.sub("", text)
    return any(level > MOST_LEVELS for level in accumulate(map(STEPS.__getitem__, brackets)))


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
        if is_too_deep(text):
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
