"""URLs of the reference site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("tasks/", include("django_offload.urls")),
    path("", include("lab.urls")),
]
