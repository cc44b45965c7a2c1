"""Addresses of the reference site."""

from django.urls import include, path

urlpatterns = [
    path("tasks/", include("django_offload.urls")),
    path("", include("lab.urls")),
]
