"""The URLs of the shop."""

from django.urls import include, path
from orders import views

urlpatterns = [
    path("orders/<int:order>/receipt/", views.write_receipt),
    path("tasks/", include("django_offload.urls")),
]
