"""A site whose pages show progress and trigger tasks."""

import re
from html import unescape

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from django_offload.http import TriggerView
from tests.unit import tasks
from tests.unit.http.setup import RESULTS, enqueues, handler404

__all__ = ["handler404"]

URL = re.compile(r'data-url="([^"]+)"')


def url_of(html: str) -> str:
    """Return where the one piece of a page asks."""
    (found,) = URL.findall(html)
    return unescape(found)


def shown(
    request: HttpRequest, source: str = "{% task_progress result %}", **context: object
) -> HttpResponse:
    """Render a template of a page that holds a piece."""
    template = engines["django"].from_string("{% load offload %}" + source)
    return HttpResponse(template.render({"result": RESULTS[-1] if RESULTS else None, **context}, request))


class Number(forms.Form):
    number = forms.IntegerField(min_value=1)


class Double(TriggerView):
    task = tasks.double
    form_class = Number


class Plain(TriggerView):
    task = tasks.double


class ForStaff(Double):
    def has_permission(self) -> bool:
        return bool(getattr(self.request, "user", None) and self.request.user.is_staff)


urlpatterns = [
    path("work/", enqueues),
    path("shown/", shown),
    path("double/", Double.as_view()),
    path("plain/", Plain.as_view()),
    path("for-staff/", ForStaff.as_view()),
    path("tasks/", include("django_offload.urls")),
]
