"""The page of the schedules, the page that asks for confirmation of an action on one, and the action."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name

from ..operations.staff_log import log_staff_action, unknown_if_it_raises
from .page_response import PageResponse
from .schedules import SCHEDULE_ACTIONS, ScheduleAction, ShownSchedule, shown_schedules

# How old the answer to the page that asks may be, and how far the clocks of two machines of a site may differ.
LONGEST_THOUGHT, CLOCKS_APART = timedelta(minutes=15), timedelta(minutes=1)


def schedules_address() -> str:
    return reverse("admin:django_offload_task_schedules")


def show_schedules(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show every schedule. Read the state of all by one call, and the last tasks by another."""
    context |= {"schedules": shown_schedules(request), "own_timezone": get_current_timezone_name()}
    return PageResponse(request, "admin/django_offload/task/schedules.html", context)


def act_on_schedule(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for confirmation, or run a confirmed action. Raise PermissionDenied if the user may not run it."""
    action = SCHEDULE_ACTIONS.get(request.POST.get("action", ""))
    key = request.POST.get("schedule", "")
    if action is not None and not action.allowed(request):
        raise PermissionDenied
    shown = next((each for each in shown_schedules(request) if each.key == key), None)
    if action is None or shown is None:
        messages.warning(request, "Nothing was done. Choose a schedule of this page, and an action.")
        return HttpResponseRedirect(schedules_address())
    if "confirmed" not in request.POST:
        context |= {
            "title": f"{action.verb}: {shown.state.name}",
            "shown": shown,
            "action": action,
            "applies": action.applies_to(shown.state),
            # The same answer twice, as by a double click, names the same time, and so makes one task.
            "at": datetime.now(UTC).isoformat(),
        }
        return PageResponse(request, "admin/django_offload/task/confirm_schedule.html", context)
    at = instant_asked(request.POST.get("at", ""))
    if at is None:
        minutes = LONGEST_THOUGHT // timedelta(minutes=1)
        text = f"Nothing was done, because the question was older than {minutes} minutes. Choose the action again."
        messages.warning(request, text)
    else:
        run_action(request, action, shown, at)
    return HttpResponseRedirect(schedules_address())


def run_action(request: HttpRequest, action: ScheduleAction, shown: ShownSchedule, at: datetime) -> None:
    """Run an action, log it if it was done, and tell the visitor."""
    what = f"{action.verb} schedule {shown.state.name} of {shown.state.alias}"
    with unknown_if_it_raises(request.user, shown.log_id, what):
        result = action.run(shown.options, shown.state.name, at)
    if result.done:
        log_staff_action(request.user, shown.log_id, f"{what}: {result.text}")
    level = messages.SUCCESS if result.done else messages.ERROR
    messages.add_message(request, level, f"Schedule {shown.state.name}: {result.text}")


def instant_asked(text: str) -> datetime | None:
    """Return the time at which a visitor was asked, or None if it is too long ago or none."""
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if -CLOCKS_APART <= datetime.now(UTC) - at <= LONGEST_THOUGHT else None
