"""From what a request sends to the arguments of a task, or to what is wrong with them, field by field."""

import json
from collections.abc import Mapping
from inspect import Parameter
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..definition.offload_task import AnyTask
from ..definition.signatures import signature_of

# As Django's forms give them: by field, each with its message and code; "__all__" is of none.
type Errors = Mapping[str, list[dict[str, str]]]

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CSRF_FIELD = "csrfmiddlewaretoken"


def error(message: str, code: str, field: str = "__all__") -> Errors:
    """Return one error, of one field or of the whole."""
    return {field: [{"message": message, "code": code}]}


def sent_as_form(request: HttpRequest) -> bool:
    return request.content_type in FORMS


def from_json(request: HttpRequest) -> tuple[dict[str, Any], Errors]:
    """Return the object that a body holds, an empty one where there is no body; and what is wrong with it."""
    if not request.body:
        return {}, {}
    if request.content_type != "application/json":
        return {}, error(_("Send JSON, as Content-Type: application/json."), "content_type")
    try:
        found = json.loads(request.body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return {}, error(_("The body is not a JSON object. Send one, such as {}."), "json")
    return found, {}


def _refuse(constant: str) -> None:
    """JSON has no NaN and no Infinity, and neither have messages."""
    raise ValueError(constant)


def misfits(task: AnyTask, given: Mapping[str, Any]) -> Errors:
    """Return what is wrong with keyword arguments, as far as the signature of a task's function tells."""
    parameters = list(signature_of(task).parameters.values())
    named = {
        one.name: one
        for one in parameters
        if one.kind in {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
    }
    errors: dict[str, list[dict[str, str]]] = {}
    if not any(one.kind is Parameter.VAR_KEYWORD for one in parameters):
        for name in given.keys() - named.keys():
            errors |= error(_("There is no such field."), "unknown", name)
    for name, one in named.items():
        if one.default is Parameter.empty and name not in given:
            errors |= error(_("This field is required."), "required", name)
    return errors


def form_errors(form: BaseForm) -> Errors:
    found: Errors = form.errors.get_json_data()
    return found


def as_json(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a form's cleaned data as a message can carry it.

    What JSON has no word for becomes text (dates in ISO 8601), a model's instance its key. Raise TypeError
    for what can be neither, such as a file.
    """
    found: dict[str, Any] = json.loads(json.dumps(dict(cleaned), cls=_Encoder))
    return found


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, Model):
            return o.pk
        if isinstance(o, QuerySet):
            return [one.pk for one in o]
        try:
            return super().default(o)
        except TypeError as exc:
            raise TypeError(
                f"A task cannot be given {o!r}: override arguments(), keep it where workers reach it, and "
                "pass its name or key."
            ) from exc
