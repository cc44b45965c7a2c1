"""Views that start tasks, at many kinds of addresses."""

from django.urls import include, path, re_path

from django_offload.http import TriggerView
from tests.unit import tasks

urlpatterns = [
    path("shops/<slug:shop>/", include([path("start/<int:when>/", TriggerView.as_view(task=tasks.double))])),
    re_path(r"^old/(?P<year>[0-9]{4})/$", TriggerView.as_view(task=tasks.count)),
    path("about/", lambda request: None),
    path("<str:lang>/tasks/", include("django_offload.urls")),
]
