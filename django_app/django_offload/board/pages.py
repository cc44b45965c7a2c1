"""The pages of the board in Django's admin: the lists, one task, and an explanation if AWS fails."""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.handlers.exception import response_for_exception
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse

from ..aws import READ_SECONDS, at_most, failures
from ..aws.explain import explain
from ..conf import stacks
from ..exceptions import OffloadError, OutOfTime
from ..models import Task
from ..operations.find import find
from ..protocol.enqueued_task import is_id
from .action_views import act
from .actions import ACTIONS, available_actions
from .forms import FilterForm, selected_list, selected_stack
from .lists import lists, partly_listed
from .page_response import PageResponse
from .paging import read_page
from .queue_views import show_queues, show_unreadable
from .schedule_views import act_on_schedule, schedules_address, show_schedules
from .schedules import LOG_PREFIX
from .timeline import task_detail

TEMPLATES = "admin/django_offload/task"
ON_AWS = "If the site runs on Lambda, its stack needs the parameter BoardEnabled=true."
# Gateways and servers give an answer half a minute, and an action may change a whole page of tasks.
ACT_SECONDS = 20.0
NO_ANSWER = "AWS didn't answer within {seconds:.0f} seconds. Try again in a minute."
NO_STACK = "TASKS has no backend of django_offload. Add one, as the README shows."
NO_TASK = "There is no task {id}. Check the id, or enqueue the task again if its record was deleted."


def board_page[View: Callable[..., HttpResponse]](
    view: View, methods: Sequence[str] = ("GET", "HEAD")
) -> View:
    """Answer 405 to other methods, and 503 with an explanation if AWS refuses a call or TASKS is wrong."""

    @wraps(view)
    def explained(board: "Board", request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        explanation = NO_STACK
        if stacks():
            seconds = READ_SECONDS if request.method in {"GET", "HEAD"} else ACT_SECONDS
            try:
                with at_most(seconds):
                    return view(board, request, *args, **kwargs)
            except (Http404, PermissionDenied, BadRequest) as exc:
                # Here, so that the admin gives the site's own page the headers of all its pages: no cache.
                return response_for_exception(request, exc)
            except OutOfTime:
                explanation = NO_ANSWER.format(seconds=seconds)
            except OffloadError as exc:
                explanation = str(exc)
            except failures() as exc:
                explanation = f"{explain(exc) or exc} {ON_AWS}"
        context = {**board.context(request, "Tasks"), "explanation": explanation}
        return PageResponse(request, f"{TEMPLATES}/trouble.html", context, status=503)

    return cast("View", explained)


class Board(admin.ModelAdmin):  # type: ignore[type-arg]
    """Show the tasks of every stack. Staff can't add or edit them, only run actions on them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Put the board's own pages before the admin's, because the admin's patterns match any path."""
        name, wrap = "django_offload_task", self.admin_site.admin_view
        return [
            path("queues/", wrap(self.queues_view), name=f"{name}_queues"),
            path("unreadable/", wrap(self.unreadable_view), name=f"{name}_unreadable"),
            path("act/", wrap(self.act_view), name=f"{name}_act"),
            path("schedules/", wrap(self.schedules_view), name=f"{name}_schedules"),
            path("schedules/act/", wrap(self.schedules_act_view), name=f"{name}_schedules_act"),
            *super().get_urls(),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Task:
        """Return a task for Django's own history page, without a query, because no database stores it."""
        return Task(id=object_id)

    def context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        """Return the context of every page. Raise PermissionDenied if the user may not see the board."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        names = [options.stack for options in stacks()]
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "stacks": names if len(names) > 1 else [],
        }

    @board_page
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show a page of a list, or redirect a search to the task with this id."""
        context = self.context(request, "Tasks")
        task_id = request.GET.get("q", "").strip().lower()
        if task_id:
            return search(request, task_id)
        options = selected_stack(request.GET)
        task_list = selected_list(options, request.GET)
        form = FilterForm(task_list, options, request.GET)
        page = read_page(options, form.task_filter(), request.GET.get("after", ""))
        query = {key: value for key, value in request.GET.items() if key != "after" and value}
        actions = [ACTIONS[slug] for slug in ACTIONS if slug in task_list.actions]
        context |= {
            "options": options,
            "list": task_list,
            "partly_listed": partly_listed(task_list, options),
            "lists": lists(options),
            "form": form,
            "filtered": bool(query.keys() - {"stack", "list"}),
            "page": page,
            "first": "after" not in request.GET,
            "older": urlencode({**query, "after": page.cursor}) if page.cursor else "",
            "newest": urlencode(query),
            "actions": [action for action in actions if action.allowed(request)],
        }
        return PageResponse(request, f"{TEMPLATES}/list.html", context)

    @board_page
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show one task."""
        context = self.context(request, "Task")
        if unquote(object_id).startswith(LOG_PREFIX):  # The admin's log leads here, too.
            return HttpResponseRedirect(schedules_address())
        among = [selected_stack(request.GET)] if "stack" in request.GET else ()
        task = find(object_id, among, with_parts=True)
        if task is None:
            raise Http404(NO_TASK.format(id=object_id))
        context |= {
            "title": task.record.enqueued.name,
            "detail": task_detail(task),
            "record": task.record,
            "options": task.options,
            "actions": available_actions(request, task.record),
        }
        return PageResponse(request, f"{TEMPLATES}/detail.html", context)

    @board_page
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return super().history_view(request, object_id, extra_context)

    @partial(board_page, methods=["POST"])
    def act_view(self, request: HttpRequest) -> HttpResponse:
        return act(request, self.context(request, "Are you sure?"))

    @board_page
    def queues_view(self, request: HttpRequest) -> HttpResponse:
        return show_queues(request, self.context(request, "Queues"))

    @board_page
    def schedules_view(self, request: HttpRequest) -> HttpResponse:
        return show_schedules(request, self.context(request, "Schedules"))

    @partial(board_page, methods=["POST"])
    def schedules_act_view(self, request: HttpRequest) -> HttpResponse:
        return act_on_schedule(request, self.context(request, "Are you sure?"))

    @partial(board_page, methods=["GET", "HEAD", "POST"])
    def unreadable_view(self, request: HttpRequest) -> HttpResponse:
        return show_unreadable(request, self.context(request, "Unreadable messages"))


def search(request: HttpRequest, task_id: str) -> HttpResponse:
    """Redirect to the task with this id, or back to the lists with a message."""
    task = find(task_id)
    if task is not None:
        address = reverse("admin:django_offload_task_change", args=[task.record.enqueued.id])
        if len(stacks()) > 1:
            address = f"{address}?{urlencode({'stack': task.options.stack})}"
        return HttpResponseRedirect(address)
    if is_id(task_id):
        messages.warning(request, NO_TASK.format(id=task_id))
    else:
        text = "An id has 32 digits and letters from a to f. Use the filters to find tasks in other ways."
        messages.warning(request, text)
    return HttpResponseRedirect(reverse("admin:django_offload_task_changelist"))
