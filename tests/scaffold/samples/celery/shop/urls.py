"""URLs of a sample site."""

from django.urls import path
from notes.views import note
from orders import views

urlpatterns = [
    path("note/", note),
    path("order/", views.order),
    path("order/<task_id>/", views.state),
]
