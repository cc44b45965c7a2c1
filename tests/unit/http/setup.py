"""A site of views that enqueue, and its visitors."""

import json

from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from django_offload.compat import TaskResult
from django_offload.http import accepted
from tests.unit import tasks

RESULTS: list[TaskResult] = []


def enqueues(request: HttpRequest) -> HttpResponse:
    RESULTS.append(tasks.double.enqueue(21))
    return accepted(RESULTS[-1])


def pays(request: HttpRequest) -> HttpResponse:
    RESULTS.append(tasks.send.using(max_attempts=1).enqueue(7, card=json.loads(request.GET["card"])))
    return accepted(RESULTS[-1])


async def enqueues_async(request: HttpRequest) -> HttpResponse:
    RESULTS.append(await tasks.double.aenqueue(21))
    return accepted(RESULTS[-1])


urlpatterns = [
    path("work/", enqueues),
    path("pays/", pays),
    path("async-work/", enqueues_async),
    path("tasks/", include("django_offload.urls")),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer without the reference site's pages, because its URLs are not here."""
    return HttpResponse("There is no such page.", status=404)


class Visitor:
    """A visitor with a browser."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def enqueue(self, path="/work/", **headers):
        """Have the site enqueue a task and return its result. Keep the answer as `self.answer`."""
        self.answer = self.client.post(path, headers=headers)
        return RESULTS[-1]

    def status(self, task_id, query="", **headers):
        url = reverse("django_offload:status", args=[task_id])
        return self.client.get(url + query, headers=headers)

    def cancel(self, task_id, query="", **headers):
        url = reverse("django_offload:cancel", args=[task_id])
        return self.client.post(url + query, headers=headers)
