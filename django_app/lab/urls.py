"""URLs of the reference app."""

from django.urls import path, register_converter

from django_offload.urls import TaskIdConverter

from .views import crowd, files, photos, pictures, reports, retries

register_converter(TaskIdConverter, "run")

app_name = "lab"

urlpatterns = [
    path("", reports.home, name="home"),
    path("reports/", reports.reports, name="reports"),
    path("reports/in-request/", reports.in_request, name="in-request"),
    path("reports/<run:run>/", reports.report, name="report"),
    path("photos/", photos.photos, name="photos"),
    path("photos/<run:run>/", photos.photo, name="photo"),
    path("mandelbrot/", pictures.pictures, name="pictures"),
    path("mandelbrot/<run:run>/", pictures.picture, name="picture"),
    path("mandelbrot/<run:run>/status/", pictures.status, name="picture-status"),
    path("mandelbrot/<run:run>/cancel/", pictures.cancel, name="picture-cancel"),
    path("visitors/", crowd.start, name="visitors"),
    path("visitors/page/", crowd.page, name="visitors-page"),
    path("retries/", retries.retries, name="retries"),
    path("retries/<run:run>/", retries.rates, name="rates"),
    path("files/<run:run>/<str:name>", files.run_file, name="file"),
]
