"""A site whose visitors start a unique task, and one page of its own that shows what a task returned."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from django_offload.compat import default_task_backend
from django_offload.http import TriggerView, readable
from tests.contract import unique_tasks


class Start(TriggerView):
    task = unique_tasks.sync


def show(request: HttpRequest, task_id: str) -> HttpResponse:
    if not readable(request, task_id):
        raise Http404
    return HttpResponse(str(default_task_backend.get_result(task_id).return_value))


urlpatterns = [
    path("start/", csrf_exempt(Start.as_view())),
    path("shows/<str:task_id>/", show),
    path("tasks/", include("django_offload.urls")),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer without the reference site's pages, because its URLs are not here."""
    return HttpResponse("There is no such page.", status=404)
