"""A site whose pages show progress and trigger tasks."""

import json
import re
from html import unescape

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path

from django_offload.http import TriggerView
from tests.contract import tasks as plain
from tests.unit import tasks
from tests.unit.http.setup import RESULTS, enqueues, handler404

__all__ = ["handler404"]

PIECE = re.compile(r'data-url="([^"]+)" data-token="([^"]+)"')
HTMX_PIECE = re.compile(r"""hx-get="([^"]+)" hx-headers='([^']+)'""")


def poll_of(html: str) -> tuple[str, dict[str, str]]:
    """Return the address that the only piece of a page polls, and the headers it sends."""
    if found := HTMX_PIECE.findall(html):
        ((url, headers),) = found
        return unescape(url), json.loads(unescape(headers))
    ((url, token),) = PIECE.findall(html)
    return unescape(url), {"X-Offload-Token": unescape(token)}


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


class ForStaff(Double):
    def has_permission(self) -> bool:
        user = getattr(self.request, "user", None)
        return bool(user and user.is_staff)


class Travel(forms.Form):
    day = forms.DateField()
    sum = forms.DecimalField()
    user = forms.ModelChoiceField(User.objects.all())
    users = forms.ModelMultipleChoiceField(User.objects.all())


class Photo(forms.Form):
    photo = forms.FileField()


class Title(forms.Form):
    title = forms.CharField(required=False)


def whoami(request: HttpRequest) -> HttpResponse:
    return JsonResponse(request.user.pk, safe=False)


urlpatterns = [
    path("work/", enqueues),
    path("shown/", shown),
    path("whoami/", whoami),
    path("double/", Double.as_view()),
    path("for-staff/", ForStaff.as_view()),
    path("travels/", TriggerView.as_view(task=plain.echo, form_class=Travel)),
    path("upload/", TriggerView.as_view(task=plain.echo, form_class=Photo)),
    path("titled/", TriggerView.as_view(task=plain.echo, form_class=Title)),
    path("plain/", TriggerView.as_view(task=tasks.double)),
    path("count/", TriggerView.as_view(task=tasks.count)),
    path("anything/", TriggerView.as_view(task=plain.nothing)),
    path("patient/", TriggerView.as_view(task=tasks.patient)),
    path("tasks/", include("django_offload.urls")),
]
