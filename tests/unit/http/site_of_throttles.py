"""A site whose views limit how many tasks a visitor starts."""

from datetime import timedelta
from functools import partial, wraps

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_offload.http import Throttle, TriggerView, accepted, too_many_requests
from tests.unit import tasks
from tests.unit.http.setup import handler404

__all__ = ["handler404"]

MOST = 10
LIMITED: list[HttpRequest] = []
VALIDATED: list[object] = []


def busy(request: HttpRequest) -> int:
    LIMITED.append(request)
    return 42


class Number(forms.Form):
    number = forms.IntegerField()

    def clean(self) -> None:
        VALIDATED.append(self.data)


class Limited(TriggerView):
    task = tasks.double
    form_class = Number
    throttle = Throttle((MOST, timedelta(hours=1)), key="address", cache="shared")


class Busy(TriggerView):
    task = tasks.double
    form_class = Number
    throttle = staticmethod(busy)


class Overridden(Busy):
    def throttle(self, request: HttpRequest) -> timedelta:
        return timedelta(seconds=len(self.request.path) / 10)


class ByHook(Busy):
    def get_wait(self) -> float:
        return 0.2


class ByPut(Busy):
    put = patch = TriggerView.post


class Forbidden(Busy):
    def has_permission(self) -> bool:
        return False


class NoMethod(Busy):
    throttle = busy


by_function = Throttle("2/h", key="address", cache="of the function")


def function(request: HttpRequest) -> HttpResponse:
    wait = by_function(request)
    if wait is not None:
        return too_many_requests(request, wait)
    return accepted(tasks.double.enqueue(1))


class OtherView(View):
    limits = [Throttle("2/h", cache="of another view")]  # noqa: RUF012


def decorated(view):
    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        return view(request)

    return wrapper


shared = Throttle("3/h", key="address", cache="shared", name="together")
urlpatterns = [
    path("limited/", csrf_exempt(Limited.as_view()), name="limited"),
    path("limited-too/", csrf_exempt(Limited.as_view()), name="limited-too"),
    path("one/", TriggerView.as_view(task=tasks.double, throttle=shared)),
    path("two/", TriggerView.as_view(task=tasks.double, throttle=[shared])),
    path("busy/", Busy.as_view()),
    path("overridden/", Overridden.as_view()),
    path("by-hook/", ByHook.as_view()),
    path("by-put/", ByPut.as_view()),
    path("forbidden/", Forbidden.as_view()),
    path("no-method/", NoMethod.as_view()),
    path("function/", decorated(function)),
    path("partial/", partial(function)),
    path("other/", OtherView.as_view()),
    path("tasks/", include("django_offload.urls")),
]
