"""The pages of the board, as Django's admin serves them: lists of tasks, and one of them."""

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from ..conf import stacks
from ..models import Task
from ..operations.find import find
from ..protocol.enqueued_task import ID_PATTERN
from .action_views import act
from .actions import ACTIONS, offered
from .aws_errors import told
from .forms import ChoiceForm, list_of, stack_of
from .lists import lists
from .paging import page
from .queue_views import queues, unreadable
from .timeline import detail

ID = re.compile(ID_PATTERN)
TEMPLATES = "admin/django_offload/task"


class Board(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tasks of every stack: nothing is added or edited, but retried, cancelled, redriven and discarded."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Put the board's own pages before the admin's."""
        name, wrap = "django_offload_task", self.admin_site.admin_view
        return [
            path("queues/", wrap(self.queues_view), name=f"{name}_queues"),
            path("unreadable/", wrap(self.unreadable_view), name=f"{name}_unreadable"),
            path("act/", wrap(self.act_view), name=f"{name}_act"),
            *super().get_urls(),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Task:
        """Return the task of an id, for Django's own page of its log entries: no database has it."""
        return Task(id=object_id)

    def context(self, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
        """Return what the templates of every page need. Raise PermissionDenied for who may not look."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        known = stacks()
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "stacks": [options.stack for options in known] if len(known) > 1 else [],
            **more,
        }

    @told
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show a page of a list; a search goes straight to the task of an id."""
        context = self.context(request, "Tasks")
        wanted = request.GET.get("q", "").strip().lower()
        if wanted:
            return self._found(request, wanted)
        options = stack_of(request.GET)
        of = list_of(options, request.GET)
        form = ChoiceForm(of, options, request.GET)
        found = page(options, form.choice(), request.GET.get("after", ""))
        filters = {key: value for key, value in request.GET.items() if key != "after" and value}
        context |= {
            "options": options,
            "list": of,
            "lists": lists(options),
            "form": form,
            "filtered": bool(filters.keys() - {"stack", "list"}),
            "page": found,
            "first": "after" not in request.GET,
            "older": urlencode({**filters, "after": found.more}) if found.more else "",
            "newest": urlencode(filters),
            "actions": [
                action for action in ACTIONS.values() if action.slug in of.actions and action.allowed(request)
            ],
        }
        return TemplateResponse(request, f"{TEMPLATES}/list.html", context)

    def _found(self, request: HttpRequest, wanted: str) -> HttpResponse:
        if ID.fullmatch(wanted):
            found = find(wanted)
            if found is not None:
                return HttpResponseRedirect(address_of(found.record.enqueued.id, found.options.stack))
            text = f"There is no task {wanted}. Check the id; records are kept for some weeks."
        else:
            text = "An id has 32 digits and letters from a to f. Other tasks are found by the filters."
        messages.warning(request, text)
        return HttpResponseRedirect(reverse("admin:django_offload_task_changelist"))

    @told
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show one task."""
        context = self.context(request, "Task")
        among = [stack_of(request.GET)] if "stack" in request.GET else ()
        found = find(object_id, among, with_parts=True) if ID.fullmatch(object_id) else None
        if found is None:
            raise Http404(f"There is no task {object_id}. Check the id; records are kept for some weeks.")
        context |= {
            "title": found.record.enqueued.name,
            "detail": detail(found),
            "record": found.record,
            "options": found.options,
            "actions": offered(request, found.record),
        }
        return TemplateResponse(request, f"{TEMPLATES}/detail.html", context)

    @told
    def act_view(self, request: HttpRequest) -> HttpResponse:
        """Ask whether to do something with tasks, and do it."""
        return act(request, self.context(request, "Are you sure?"))

    @told
    def queues_view(self, request: HttpRequest) -> HttpResponse:
        """Show how the queues do."""
        return queues(request, self.context(request, "Queues"))

    @told
    def unreadable_view(self, request: HttpRequest) -> HttpResponse:
        """Show the bodies that did not verify."""
        return unreadable(request, self.context(request, "Unreadable messages"))


def address_of(task_id: str, stack: str) -> str:
    """Return the address of a task's page, which names its stack where there are several."""
    address = reverse("admin:django_offload_task_change", args=[task_id])
    return f"{address}?{urlencode({'stack': stack})}" if len(stacks()) > 1 else address
