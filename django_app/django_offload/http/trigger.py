"""A view that enqueues a task with what a form or JSON says."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views import View

from ..definition.offload_task import AnyResult, AnyTask
from ..exceptions import EnqueueFailed, InvalidArguments
from . import accepted
from .arguments import CSRF_FIELD, Errors, as_json, error, form_errors, from_json, misfits, sent_as_form

JSON, HTML = "application/json", "text/html"


class TriggerView(View):
    """
    Enqueue `task` on POST, with the arguments that a form or a JSON object gives.

    A `form_class` checks both; without one a JSON object holds the task's keyword arguments, checked against
    its signature alone. The answer is 202 with a Location, or 400 with the errors of each field: as JSON, or
    to a browser as the page `template_name`, which has `form` and, once enqueued, `result`. GET shows that
    page.
    """

    task: ClassVar[AnyTask | None] = None
    form_class: ClassVar[type[BaseForm] | None] = None
    template_name = "django_offload/trigger.html"

    def has_permission(self) -> bool:
        """Tell whether `self.request` may see this view and enqueue; 403 if not."""
        return True

    def get_task(self) -> AnyTask:
        """Return the task to enqueue. Raise TypeError if the view names none."""
        if self.task is None:
            raise TypeError(f"{type(self).__name__} has no task: set `task`, or override get_task().")
        return self.task

    def get_form(self, data: Mapping[str, Any] | None = None, files: Any = None) -> BaseForm | None:
        """Return the form that checks what is sent, None for no form."""
        return None if self.form_class is None else self.form_class(data, files)

    def arguments(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """Return the task's keyword arguments, made of a form's cleaned data; see as_json()."""
        return as_json(cleaned)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.has_permission():
            response = super().dispatch(request, *args, **kwargs)
        elif self._wants_page():
            raise PermissionDenied
        else:
            response = _refusal(error(_("You may not do this."), "forbidden"), 403)
        patch_vary_headers(response, ["Accept", "HX-Request"])
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._page(form=self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, arguments, errors = self._sent(request)
        status = 400
        if not errors:
            try:
                return self._accepted(self.get_task().enqueue(**arguments))
            except InvalidArguments as exc:
                errors = error(str(exc), "invalid")
            except EnqueueFailed:
                words = _("Nothing was started, for the queue did not answer. Try again in a minute.")
                errors, status = error(words, "unavailable"), 503
        if not self._wants_page():
            return _refusal(errors, status)
        told = [] if form is not None and form.errors else [one["message"] for one in errors["__all__"]]
        return self._page(status, form=form, problems=told)

    def _sent(self, request: HttpRequest) -> tuple[BaseForm | None, dict[str, Any], Errors]:
        """Return the form that checked what a request sends, the arguments, and what is wrong with them."""
        is_form = sent_as_form(request)
        data, errors = (request.POST, {}) if is_form else from_json(request)
        form = None if errors else self.get_form(data, request.FILES)
        if form is not None:
            return (
                (form, self.arguments(form.cleaned_data), {})
                if form.is_valid()
                else (form, {}, form_errors(form))
            )
        given = {key: value for key, value in data.items() if not (is_form and key == CSRF_FIELD)}
        if is_form and given:
            errors = error(_("Send JSON, as Content-Type: application/json."), "content_type")
        return None, given, errors or misfits(self.get_task(), given)

    def _accepted(self, result: AnyResult) -> HttpResponse:
        if "HX-Request" in self.request.headers:
            page = render(self.request, "django_offload/triggered.html", {"result": result})
            return accepted(result, page)
        return accepted(result, self._page(result=result) if self._wants_page() else None)

    def _page(self, status: int = 200, **context: Any) -> HttpResponse:
        return render(self.request, self.template_name, {"view": self, **context}, status=status)

    def _wants_page(self) -> bool:
        return self.request.get_preferred_type([JSON, HTML]) == HTML


def _refusal(errors: Errors, status: int) -> JsonResponse:
    return JsonResponse({"errors": errors}, status=status)
