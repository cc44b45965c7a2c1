"""The addresses of the site."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("products/<int:number>/", lambda request, number: HttpResponse(), name="product"),
    path("tasks/", include("django_offload.urls")),
]
