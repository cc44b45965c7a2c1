"""Turn a request into a task's arguments, or into errors by field."""

import json
from collections.abc import Mapping
from inspect import Parameter
from math import isfinite
from typing import Any, NoReturn

from django.core.exceptions import BadRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..conf import decodes_text
from ..definition.offload_task import AnyTask
from ..definition.signatures import signature_of
from ..protocol.json_codec import is_too_deep
from .errors import Errors, error
from .nesting import MOST_LEVELS, too_deep

JSON, HTML = "application/json", "text/html"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
CSRF_FIELD = "csrfmiddlewaretoken"
# The first parameter of enqueue(), which can't be a keyword argument of a task too.
SELF = "self"
# Errors for fields that the task doesn't have. A body of 2.5 MB has room for 300,000 such fields, and the
# answer would be seven times as large.
MOST_UNKNOWN = 20


def is_form(request: HttpRequest) -> bool:
    return request.content_type in FORM_TYPES


def refuse_odd_charset(request: HttpRequest) -> None:
    """Raise BadRequest for a charset that isn't one of text, such as hex. Django would raise LookupError."""
    if request.encoding and not decodes_text(request.encoding):
        raise BadRequest("The request has a charset that can't be read.")


def prefers_html(request: HttpRequest) -> bool:
    """Return True if the client prefers a page. One with a malformed Accept header gets JSON."""
    try:
        return request.get_preferred_type([JSON, HTML]) == HTML
    except ValueError:
        return False


def not_json() -> Errors:
    return error(_("The request must be JSON. Send it as Content-Type: application/json."), "content_type")


def parse_form(request: HttpRequest) -> tuple[Mapping[str, Any], Errors]:
    """Return the fields of a form in the body, and the errors. Django answers 400 to a malformed form."""
    try:
        return request.POST, {}
    except (LookupError, UnicodeError):
        # A charset such as rot13, which Python knows and doesn't decode to text.
        return {}, error(_("The form has a charset that can't be read. Send it as UTF-8."), "content_type")


def parse_json(request: HttpRequest) -> tuple[dict[str, Any], Errors]:
    """Return the JSON object in the body, and the errors. An empty body counts as an empty object."""
    if not request.body:
        return {}, {}
    if request.content_type != "application/json":
        return {}, not_json()
    try:
        text = request.body.decode(json.detect_encoding(request.body), "surrogatepass")
        if is_too_deep(text, MOST_LEVELS):
            return {}, error(too_deep(), "too_deep")
        value = json.loads(text, parse_constant=refuse_constant, parse_float=finite)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return {}, error(_("The body is not a JSON object. Send one, such as {}."), "json")
    return value, {}


def refuse_constant(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads but JSON and messages don't have."""
    raise ValueError(constant)


def finite(text: str) -> float:
    """Return a number with a fraction or an exponent. Raise ValueError for one such as 1e999."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def signature_errors(task: AnyTask, arguments: Mapping[str, Any]) -> Errors:
    """Return the first keyword arguments that the task's signature doesn't take, and those that it misses."""
    parameters = list(signature_of(task).parameters.values())
    by_name = {
        parameter.name: parameter
        for parameter in parameters
        if parameter.kind in {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
    }
    errors: dict[str, list[dict[str, str]]] = {}
    if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        unknown = [name for name in arguments if name not in by_name]
        for name in unknown[:MOST_UNKNOWN]:
            errors |= error(_("The task has no such field. Remove it."), "unknown", name)
        if len(unknown) > MOST_UNKNOWN:
            message = _("The task doesn't have %(count)d of these fields. Send only those that it has.")
            errors |= error(message % {"count": len(unknown)}, "unknown")
    if SELF in arguments and SELF not in errors:
        errors |= error(
            _("No field can have this name. Name the task's parameter otherwise."), "unknown", SELF
        )
    for name, parameter in by_name.items():
        if parameter.default is Parameter.empty and name not in arguments:
            errors |= error(_("This field is required."), "required", name)
    return errors


def as_json(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a form's cleaned data as values that a message can carry.

    A date becomes ISO 8601 text, a model instance its primary key. Raise TypeError if a value can't be
    converted, such as a file.
    """
    values: dict[str, Any] = json.loads(json.dumps(dict(cleaned), cls=ArgumentEncoder))
    return values


class ArgumentEncoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, Model):
            return o.pk
        if isinstance(o, QuerySet):
            return [instance.pk for instance in o]
        try:
            return super().default(o)
        except TypeError as exc:
            raise TypeError(
                f"A value of type {type(o).__qualname__} can't be an argument of a task. Override "
                "arguments(): store it where workers can reach it, and pass its name or key."
            ) from exc
