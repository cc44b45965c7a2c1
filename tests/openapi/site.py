"""The reference site's URLs, and two views that start tasks: with a task's parameters, and with a form."""

from django import forms
from django.urls import path

from config.urls import urlpatterns as of_the_site
from django_offload.http import Throttle, TriggerView
from tests.contract.tasks import echo
from tests.unit.tasks import double


class ReportForm(forms.Form):
    """What a report covers."""

    size = forms.ChoiceField(
        choices=[("small", "small"), ("large", "large")], help_text="How much it covers."
    )
    title = forms.CharField(required=False, max_length=100)


class Reports(TriggerView):
    task = echo
    form_class = ReportForm
    # Far more than a run sends. A test of its own reaches the limit.
    throttle = Throttle("1000000/d", key="address")


urlpatterns = [
    path("double/", TriggerView.as_view(task=double), name="double"),
    path("build-report/", Reports.as_view(), name="build_report"),
    *of_the_site,
]
