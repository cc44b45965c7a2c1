"""A site of views that read JSON."""

import json

from django import forms
from django.urls import include, path

from django_offload.http import TriggerView
from tests.contract import tasks
from tests.unit.http.setup import handler404

__all__ = ["handler404"]

RECURSION = {"frames": 0}


def deep_stack(get_response):
    """Answer with so many calls around the rest of the site."""

    def called(request, frames):
        return called(request, frames - 1) if frames else get_response(request)

    return lambda request: called(request, RECURSION["frames"])


class JSONForm(forms.Form):
    value = forms.JSONField()


class Decoder(json.JSONDecoder):
    def __init__(self, **options):
        super().__init__(parse_float=str, **options)


class OwnDecoder(forms.Form):
    value = forms.JSONField(decoder=Decoder)


class TwoValues(forms.MultiValueField):
    def __init__(self, **options):
        fields = (forms.JSONField(), forms.CharField(required=False))
        widget = forms.MultiWidget([forms.Textarea, forms.TextInput])
        super().__init__(fields, widget=widget, require_all_fields=False, **options)

    def compress(self, values):
        return values[0]


class InnerJSONForm(forms.Form):
    value = TwoValues()


class DeepForm(forms.Form):
    value = forms.CharField()

    def clean_value(self):
        value = []
        for _ in range(100_000):
            value = [value]
        return value


urlpatterns = [
    path("anything/", TriggerView.as_view(task=tasks.nothing)),
    path("json-field/", TriggerView.as_view(task=tasks.echo, form_class=JSONForm)),
    path("own-decoder/", TriggerView.as_view(task=tasks.echo, form_class=OwnDecoder)),
    path("inner-json-field/", TriggerView.as_view(task=tasks.echo, form_class=InnerJSONForm)),
    path("deep-values/", TriggerView.as_view(task=tasks.echo, form_class=DeepForm)),
    path("tasks/", include("django_offload.urls")),
]
