"""A site with a form that has every field and every widget of Django's forms."""

from django import forms
from django.contrib.auth.models import User
from django.urls import include, path

from django_offload.http import TriggerView
from tests.contract.tasks import echo
from tests.unit.http.setup import handler404

__all__ = ["handler404"]

CHOICES = [("1", "one"), ("2", "two")]


class EveryField(forms.Form):
    boolean = forms.BooleanField(required=False)
    char = forms.CharField(required=False, max_length=20)
    choice = forms.ChoiceField(required=False, choices=CHOICES)
    combo = forms.ComboField(required=False, fields=[forms.CharField(), forms.EmailField()])
    date = forms.DateField(required=False)
    selected_date = forms.DateField(required=False, widget=forms.SelectDateWidget)
    moment = forms.DateTimeField(required=False)
    decimal = forms.DecimalField(required=False, max_digits=6, decimal_places=2)
    any_decimal = forms.DecimalField(required=False, min_value=0, step_size=2, localize=True)
    duration = forms.DurationField(required=False)
    email = forms.EmailField(required=False)
    file = forms.FileField(required=False)
    file_path = forms.FilePathField(required=False, path=__file__.rpartition("/")[0])
    number = forms.FloatField(required=False)
    stepped_float = forms.FloatField(required=False, step_size=0.5, localize=True)
    address = forms.GenericIPAddressField(required=False, unpack_ipv4=True)
    image = forms.ImageField(required=False)
    integer = forms.IntegerField(required=False)
    stepped_integer = forms.IntegerField(required=False, min_value=1, step_size=3, localize=True)
    json = forms.JSONField(required=False)
    several = forms.MultipleChoiceField(required=False, choices=CHOICES)
    boxes = forms.MultipleChoiceField(required=False, choices=CHOICES, widget=forms.CheckboxSelectMultiple)
    user = forms.ModelChoiceField(User.objects.all(), required=False)
    users = forms.ModelMultipleChoiceField(User.objects.all(), required=False)
    null_boolean = forms.NullBooleanField(required=False)
    expression = forms.RegexField(r"[a-z]+", required=False)
    slug = forms.SlugField(required=False)
    split = forms.SplitDateTimeField(required=False)
    hidden_split = forms.SplitDateTimeField(required=False, widget=forms.SplitHiddenDateTimeWidget)
    time = forms.TimeField(required=False)
    typed = forms.TypedChoiceField(required=False, choices=CHOICES, coerce=int)
    typed_float = forms.TypedChoiceField(required=False, choices=CHOICES, coerce=float)
    typed_several = forms.TypedMultipleChoiceField(required=False, choices=CHOICES, coerce=int)
    url = forms.URLField(required=False, assume_scheme="https")
    uuid = forms.UUIDField(required=False)


urlpatterns = [
    path("every-field/", TriggerView.as_view(task=echo, form_class=EveryField)),
    path("tasks/", include("django_offload.urls")),
]
