"""A site of forms with every field of Django."""

from django import forms
from django.contrib.auth.models import User
from django.urls import include, path

from django_offload.http import TriggerView
from tests.contract import tasks
from tests.unit.http.setup import handler404
from tests.unit.tasks import double

__all__ = ["handler404"]

LETTERS = [("a", "A"), ("b", "B")]


class Array(forms.CharField):
    """Takes lists, as SimpleArrayField does where psycopg is installed."""

    base_field = forms.IntegerField()

    def to_python(self, value):
        return [self.base_field.clean(one) for one in value] if isinstance(value, list) else value


class EveryField(forms.Form):
    array = Array()
    boolean = forms.BooleanField()
    char = forms.CharField()
    choice = forms.ChoiceField(choices=LETTERS)
    combo = forms.ComboField(fields=[forms.CharField(max_length=9)])
    date = forms.DateField()
    datetime = forms.DateTimeField()
    decimal = forms.DecimalField()
    duration = forms.DurationField()
    email = forms.EmailField()
    file = forms.FileField()
    float = forms.FloatField()
    hidden = forms.MultipleChoiceField(choices=LETTERS, widget=forms.MultipleHiddenInput)
    integer = forms.IntegerField()
    ip = forms.GenericIPAddressField()
    json = forms.JSONField()
    maybe = forms.NullBooleanField()
    model = forms.ModelChoiceField(User.objects.all())
    models = forms.ModelMultipleChoiceField(User.objects.all())
    boxes = forms.MultipleChoiceField(choices=LETTERS, widget=forms.CheckboxSelectMultiple)
    multiple = forms.MultipleChoiceField(choices=LETTERS)
    named = forms.ModelChoiceField(User.objects.all(), to_field_name="username")
    parts = forms.DateField(widget=forms.SelectDateWidget)
    radio = forms.ChoiceField(choices=LETTERS, widget=forms.RadioSelect)
    regex = forms.RegexField("a+")
    select = forms.BooleanField(widget=forms.NullBooleanSelect)
    slug = forms.SlugField()
    split = forms.SplitDateTimeField()
    time = forms.TimeField()
    typed = forms.TypedChoiceField(choices=[(True, "Yes")], coerce=bool)
    url = forms.URLField(assume_scheme="https")
    uuid = forms.UUIDField()


class Optional(EveryField):
    """Each field alone may be sent."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.required = False

    def clean(self):
        return {name: value for name, value in self.cleaned_data.items() if name in self.data}


class AfterColon(forms.TextInput):
    """A project's own widget, which expects texts that its own script makes."""

    def value_from_datadict(self, data, files, name):
        return data[name].split(":")[1]


class Picky(forms.Form):
    text = forms.CharField(widget=AfterColon)


class One(TriggerView):
    """Returns what the form makes of a single field."""

    task = tasks.echo
    form_class = Optional

    def arguments(self, cleaned):
        return {"value": [*TriggerView.arguments(self, cleaned).values()]}


urlpatterns = [
    path("every/", TriggerView.as_view(task=tasks.echo, form_class=EveryField)),
    path("one/", One.as_view()),
    path("picky/", TriggerView.as_view(task=tasks.echo, form_class=Picky)),
    path("plain/", TriggerView.as_view(task=double)),
    path("tasks/", include("django_offload.urls")),
]
