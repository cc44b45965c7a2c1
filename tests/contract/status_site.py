"""URLs of a site that has nothing but the tasks' own."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

urlpatterns = [path("tasks/", include("django_offload.urls"))]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer with the reason, without the reference site's pages."""
    return HttpResponse(str(exception), status=404)
