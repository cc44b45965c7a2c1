"""Addresses of the reference app."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .views import files, photos, reports, retries


class RunConverter(StringConverter):
    """An id as the library makes them; anything else is no address of ours."""

    regex = "[0-9a-f]{32}"


register_converter(RunConverter, "run")

app_name = "lab"

urlpatterns = [
    path("", reports.home, name="home"),
    path("reports/", reports.reports, name="reports"),
    path("reports/in-request/", reports.in_request, name="in-request"),
    path("reports/<run:run>/", reports.report, name="report"),
    path("photos/", photos.photos, name="photos"),
    path("photos/<run:run>/", photos.photo, name="photo"),
    path("retries/", retries.retries, name="retries"),
    path("retries/<run:run>/", retries.rates, name="rates"),
    path("files/<run:run>/<str:name>", files.run_file, name="file"),
]
