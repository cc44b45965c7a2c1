"""The filters of a list, and the stack and list that an address selects."""

from datetime import MINYEAR, UTC, datetime
from typing import Any

from django import forms
from django.utils.timezone import is_aware, localtime, make_aware

from ..conf import Options, stacks
from ..definition.registry import registry
from ..protocol.json_codec import EPOCH
from ..stores.listing import DUE, EVER
from .lists import TaskList, aliases, lists
from .paging import TaskFilter

# Fields that the index has, and that have to be equal.
FILTERED = ("name", "queue", "owner", "tenant")
DATETIME_WIDGET = forms.DateTimeInput({"type": "datetime-local", "step": "1"}, "%Y-%m-%dT%H:%M:%S")


class FilterForm(forms.Form):
    """The filters of one list of one stack. An invalid filter shows an error and doesn't apply."""

    state = forms.ChoiceField(required=False)
    queue = forms.ChoiceField(required=False)
    name = forms.CharField(required=False, label="Task", widget=forms.TextInput({"list": "task-names"}))
    owner = forms.CharField(required=False, widget=forms.TextInput({"placeholder": "user:1"}))
    tenant = forms.CharField(required=False)
    since = forms.DateTimeField(required=False, widget=DATETIME_WIDGET)
    until = forms.DateTimeField(required=False, widget=DATETIME_WIDGET)
    alias = forms.ChoiceField(required=False, label="Backend")

    def __init__(self, task_list: TaskList, options: Options, query: Any) -> None:
        super().__init__(query, label_suffix="")
        self.task_list = task_list
        fields: dict[str, Any] = self.fields
        for name in ("since", "until"):
            fields[name].label = f"{name.capitalize()} ({localtime():%Z})"
        names = aliases(options)
        for name, values in (("state", task_list.states), ("queue", options.queues), ("alias", names)):
            fields[name].choices = [("", "Any"), *((value, value) for value in values)]
        # A page reads only so many partitions, so a visitor must choose one of more aliases.
        is_history = task_list.index is not DUE
        self.default_alias = names[0] if is_history and len(names) > task_list.most_aliases else ""
        if self.default_alias:
            fields["alias"].choices = [(alias, alias) for alias in names]
        if len(task_list.states) == 1:
            del fields["state"]
        if not is_history or len(names) < 2:
            del fields["alias"]

    @property
    def names(self) -> list[str]:
        """The project's task names, as suggestions. Visitors may type any other name."""
        return sorted(registry().tasks)

    def task_filter(self) -> TaskFilter:
        """Return the filters that are valid."""
        self.is_valid()
        values: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        return TaskFilter(
            task_list=self.task_list,
            alias=values.get("alias", self.default_alias),
            state=values.get("state", ""),
            matching={name: values[name] for name in FILTERED if name in values},
            since=as_utc(values.get("since", EPOCH)),
            until=as_utc(values.get("until", EVER)),
        )


def as_utc(instant: datetime) -> datetime:
    """
    Return an instant in UTC, or the first or last instant that there is if it lies beyond that.

    Without USE_TZ, forms return naive ones in the project's time zone.
    """
    try:
        return (instant if is_aware(instant) else make_aware(instant)).astimezone(UTC)
    except OverflowError:
        return EPOCH if instant.year == MINYEAR else EVER


def selected_stack(query: Any) -> Options:
    """Return the options of the stack in an address, or of the first stack in TASKS."""
    choices = stacks()
    return next((options for options in choices if options.stack == query.get("stack")), choices[0])


def selected_list(options: Options, query: Any) -> TaskList:
    """Return the list in an address, or the first list."""
    task_lists = lists(options)
    return next((entry for entry in task_lists if entry.slug == query.get("list")), task_lists[0])
