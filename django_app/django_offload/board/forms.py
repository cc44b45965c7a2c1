"""What a visitor of a list asks for, as its address says it."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.timezone import is_aware, localtime, make_aware

from ..conf import Options, stacks
from ..definition.registry import registry
from ..protocol.json_codec import EPOCH
from ..stores.listing import EVER
from .lists import EVERYTHING, MOST_PARTITIONS, TaskList, aliases, lists
from .paging import Choice


def _any(values: list[str]) -> list[tuple[str, str]]:
    return [("", "Any"), *((value, value) for value in values)]


def _instant() -> forms.DateTimeInput:
    """Return the browser's own field for an instant, in the project's time zone."""
    return forms.DateTimeInput({"type": "datetime-local", "step": "1"}, "%Y-%m-%dT%H:%M:%S")


class ChoiceForm(forms.Form):
    """Filters of one list of one stack; what fits none of its options is said, and left out."""

    state = forms.ChoiceField(required=False)
    queue = forms.ChoiceField(required=False)
    name = forms.CharField(required=False, label="Task", widget=forms.TextInput({"list": "task-names"}))
    owner = forms.CharField(required=False, widget=forms.TextInput({"placeholder": "user:1"}))
    since = forms.DateTimeField(required=False, widget=_instant())
    until = forms.DateTimeField(required=False, widget=_instant())
    alias = forms.ChoiceField(required=False, label="Backend")

    def __init__(self, of: TaskList, options: Options, data: Any) -> None:
        super().__init__(data, label_suffix="")
        self.of, self.options = of, options
        fields: dict[str, Any] = self.fields
        for name in ("since", "until"):
            fields[name].label = f"{name.capitalize()} ({localtime():%Z})"
        fields["state"].choices = _any(list(of.states))
        fields["queue"].choices = _any(list(options.queues))
        known = aliases(options)
        fields["alias"].choices = _any(known)
        if len(of.states) == 1:
            del fields["state"]
        if of is not EVERYTHING or len(known) < 2:
            del fields["alias"]
        elif len(known) > MOST_PARTITIONS:
            fields["alias"].choices = [(alias, alias) for alias in known]

    @property
    def names(self) -> list[str]:
        """The tasks that the project defines, to choose from; others may be typed."""
        return sorted(registry().tasks)

    def choice(self) -> Choice:
        """Return what is asked for, as far as it was understood."""
        self.is_valid()
        given: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        return Choice(
            of=self.of,
            alias=given.get("alias", self._first_alias()),
            state=given.get("state", ""),
            matching={name: given[name] for name in ("name", "queue", "owner") if name in given},
            since=_utc(given.get("since"), EPOCH),
            until=_utc(given.get("until"), EVER),
        )

    def _first_alias(self) -> str:
        known = aliases(self.options)
        return known[0] if self.of is EVERYTHING and len(known) > MOST_PARTITIONS else ""


def _utc(given: datetime | None, otherwise: datetime) -> datetime:
    if given is None:
        return otherwise
    return (given if is_aware(given) else make_aware(given)).astimezone(UTC)


def stack_of(data: Any) -> Options:
    """Return the options of the stack an address names, else of the first of TASKS."""
    known = stacks()
    return next((options for options in known if options.stack == data.get("stack")), known[0])


def list_of(options: Options, data: Any) -> TaskList:
    """Return the list an address names, else the first."""
    known = lists(options)
    return next((found for found in known if found.slug == data.get("list")), known[0])
