"""A view that enqueues a task with the arguments in a form or a JSON object."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import View

from ..definition.offload_task import AnyResult, AnyTask
from ..exceptions import EnqueueFailed, InvalidArguments
from ..logs.escaping import printable
from . import accepted
from .arguments import (
    CSRF_FIELD,
    as_json,
    is_form,
    not_json,
    parse_form,
    parse_json,
    prefers_html,
    refuse_odd_charset,
    signature_errors,
)
from .errors import Errors, error, json_errors, shortened_errors, texts_of
from .field_values import guard_fields
from .form_data import give_texts, refuse_structures
from .private import keep_private
from .refusals import REFUSALS, refusal
from .too_many import Throttles, call_throttle, seconds_of, too_many_requests
from .unavailable import RETRY_AFTER_SECONDS

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
# Of a page with errors. Lambda returns 6,291,556 bytes of JSON, in which one of these may have six.
MOST_BYTES = 1_040_000


class TriggerView(View):
    """
    Enqueue `task` on POST, with the arguments in a form or a JSON object.

    A `form_class` validates both. Without one, the JSON object holds the task's keyword arguments, and the
    view checks their names against the task's signature. The answer is 202 with a Location, or 400 with the
    errors of each field.

    Scripts get JSON. Browsers get the page `template_name`, with `form` and, once enqueued, `result` in its
    context. GET shows that page.

    A `throttle` limits how many tasks a client starts: django_offload.http.Throttle, any callable that takes
    the request and returns None or the seconds to wait, or a list of them. A client that must wait gets 429,
    before the view checks the body.
    """

    task: ClassVar[AnyTask | None] = None
    form_class: ClassVar[type[BaseForm] | None] = None
    template_name = "django_offload/trigger.html"
    throttle: ClassVar[Throttles | None] = None

    def has_permission(self) -> bool:
        """Return True if `self.request` may use this view. Otherwise the answer is 403."""
        return True

    def get_wait(self) -> float | timedelta | None:
        """Return the time that `self.request` must wait before it may start a task, or None if it may now."""
        return None if self.throttle is None else call_throttle(self, self.throttle, self.request)

    def get_task(self) -> AnyTask:
        """Return the task to enqueue. Raise TypeError if the view has none."""
        if self.task is None:
            raise TypeError(f"{type(self).__name__} has no task. Set `task`, or override get_task().")
        return self.task

    def get_form(self, data: Mapping[str, Any] | None = None, files: Any = None) -> BaseForm | None:
        """Return the form that validates the request, or None for no form."""
        return None if self.form_class is None else self.form_class(data, files)

    def arguments(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """Return the task's keyword arguments, made from the form's cleaned data. See as_json()."""
        return as_json(cleaned)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            refuse_odd_charset(request)
            response = self._answer(request, *args, **kwargs)
        except REFUSALS as exc:
            response = refusal(request, exc)
        return keep_private(response, "Accept", "HX-Request")

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the answer, or one that the request has no permission, or has to wait."""
        if not self.has_permission():
            if prefers_html(request):
                raise PermissionDenied
            message = _("You may not start this task. Sign in with an account that may.")
            return json_errors(error(message, "forbidden"), 403)
        wait = seconds_of(self.get_wait(), self) if self.may_enqueue(request) else None
        if wait is not None:
            return too_many_requests(request, wait)
        return super().dispatch(request, *args, **kwargs)

    def may_enqueue(self, request: HttpRequest) -> bool:
        """Return True for a POST, and for another method by which a view of the project starts tasks."""
        own: list[str] = self._allowed_methods()  # type: ignore[attr-defined]  # Only the stubs lack it.
        return request.method in {*own} - SAFE_METHODS

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._render_page(form=self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form: BaseForm | None = None
        status = 400
        try:
            form, arguments, errors = self._parse(request)
            if not errors:
                return self._accepted(self.get_task().enqueue(**arguments))
        except InvalidArguments as exc:
            errors = error(str(exc), "invalid")
        except RecursionError:  # Of a form or a task whose values are deeper than the request's JSON.
            form, errors = None, error(_("The values are nested too deeply. Send flatter ones."), "invalid")
        except OverflowError:  # Of a form whose database has no such number.
            form, errors = None, error(_("A number is too large. Send a smaller one."), "invalid")
        except EnqueueFailed:
            # A send that wasn't confirmed may have arrived all the same.
            message = _(
                "The task may not have been started, because AWS didn't answer. Try again in a minute."
            )
            errors, status = error(message, "unavailable"), 503
        errors = shortened_errors(errors)
        if prefers_html(request):
            if not is_form(request):
                form = None  # Widgets show the texts of a form again, but not all that JSON may have.
            form_shows_errors = form is not None and form.errors
            problems = [] if form_shows_errors else texts_of(errors)
            response: HttpResponse = self._render_page(status, form=form, problems=problems)
            if len(response.content) > MOST_BYTES:  # The form shows all that the client sent.
                response = self._render_page(status, form=self.get_form(), problems=texts_of(errors))
        else:
            response = json_errors(errors, status)
        if status == 503:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    def _parse(self, request: HttpRequest) -> tuple[BaseForm | None, dict[str, Any], Errors]:
        """Return the form, the task's arguments, and the errors in them."""
        from_form = is_form(request)
        data, errors = parse_form(request) if from_form else parse_json(request)
        form = None if errors else self.get_form(data, request.FILES)
        if form is not None:
            guard_fields(form)
            if not from_form:
                refuse_structures(form, give_texts(form, data))
            if form.is_valid():
                return form, self.arguments(form.cleaned_data), {}
            return form, {}, form.errors.get_json_data()
        arguments = {name: value for name, value in data.items() if not (from_form and name == CSRF_FIELD)}
        if from_form and arguments:
            errors = not_json()
        return None, arguments, errors or signature_errors(self.get_task(), arguments)

    def _accepted(self, result: AnyResult) -> HttpResponse:
        """Return the 202 answer: JSON, a piece for htmx, or a page for a browser."""
        page = None
        if "HX-Request" in self.request.headers:
            page = render(self.request, "django_offload/triggered.html", {"result": result})
        elif prefers_html(self.request):
            page = self._render_page(result=result)
        return accepted(result, page)

    def _render_page(self, status: int = 200, **context: Any) -> HttpResponse:
        page = render_to_string(self.template_name, {"view": self, **context}, self.request)
        return HttpResponse(printable(page), status=status)  # A message may quote any text of the request.
