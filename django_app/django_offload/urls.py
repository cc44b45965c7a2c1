"""URLs of a task: status, progress and cancel. Add them with include("django_offload.urls")."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .http import views
from .protocol.enqueued_task import ID_PATTERN


class TaskIdConverter(StringConverter):
    """Match the id of a task: 32 hexadecimal digits."""

    regex = ID_PATTERN


register_converter(TaskIdConverter, "task_id")

app_name = "django_offload"

urlpatterns = [
    path("<task_id:task_id>/", views.status, name="status"),
    path("<task_id:task_id>/cancel/", views.cancel_task, name="cancel"),
    path("<task_id:task_id>/progress/", views.progress, name="progress"),
]
