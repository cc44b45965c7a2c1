"""A site with every URL of the library, its actors, and tasks whose every private value is recognisable."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, include, path, reverse

from django_offload import urls
from django_offload.conf import configured
from django_offload.http import TriggerView
from django_offload.http.tokens import piece_token, status_token
from django_offload.models import Task
from django_offload.operations.schedules import pause
from django_offload.payloads import payloads_of
from django_offload.protocol.json_codec import dump, to_micros
from django_offload.protocol.record import error_part, initial_item
from django_offload.protocol.unique_key import duplicate_item
from django_offload.stores import store_of
from tests.contract.records import enqueued_task, storing
from tests.unit import tasks

# What only those may read who are named in the table, by the letter that the table has for it.
CANARIES = {
    "v": "canary-of-the-value",
    "a": "canary-of-an-argument",
    "e": "canary-of-the-error",
    "t": "canary-of-the-traceback",
    "p": "canary-of-the-progress",
    "o": "user:70717273",
    "b": "canary-of-a-body",
}
STATES = ("waiting", "running", "done", "failed", "dead")
# Duplicates: whose they are, and the state of the task of `owner` that does their work.
DUPLICATES = {
    "twin": ("owner", "done"),
    "lent": ("visitor", "done"),
    "lent-failed": ("visitor", "failed"),
    "lent-running": ("visitor", "running"),
}
IDS = {state: f"{number:x}" * 32 for number, state in enumerate((*STATES, *DUPLICATES), 1) if number < 9}
IDS["lent-running"] = "a" * 32
UNKNOWN = "9" * 32
BODY = "dead/default/2026-01-01/1"
# The schedule that each action on schedules is for. The weekly one is paused.
SCHEDULES = {"pause": "nightly", "resume": "weekly", "run": "weekly"}
DECLARED = {
    name: {"task": "tests.unit.tasks.double", "when": "cron(0 3 * * ? *)", "args": [4]}
    for name in ("nightly", "weekly")
}
CSRF = "c" * 32
BOARD = "admin:django_offload_task_"


class Start(TriggerView):
    """A view that users start a task with, and others not."""

    task = tasks.double

    def has_permission(self) -> bool:
        return self.request.user.is_authenticated


urlpatterns = [
    path("admin/", admin.site.urls),
    path("start/", Start.as_view(), name="start"),
    path("tasks/", include("django_offload.urls")),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer as a careless site does, which lets everybody store its errors."""
    return HttpResponse("There is no such page.", status=404, headers={"Cache-Control": "public, max-age=60"})


def library_urls() -> list[URLPattern]:
    """Return every pattern that the library adds to a project: its own and those of the board."""
    return [*urls.urlpatterns, *admin.site.get_model_admin(Task).get_urls()]


# The permissions of staff, by name.
PERMISSIONS = {
    "view": "view_task",
    "cancel": "cancel_task",
    "retry": "retry_task",
    "redrive": "redrive_task",
    "discard": "discard_task",
    "body": "view_message_body",
    "pause": "pause_schedule",
    "resume": "resume_schedule",
    "run": "run_schedule",
}
STAFF = {
    "none": (),
    **{name: (codename,) for name, codename in PERMISSIONS.items()},
    **{f"view+{name}": ("view_task", codename) for name, codename in PERMISSIONS.items() if name != "view"},
}
EVERY_PERMISSION = tuple(PERMISSIONS.values())
USERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "visitor": ({"pk": 70717274}, ()),
    "owner": ({"pk": 70717273}, ()),
    "permitted": ({}, EVERY_PERMISSION),  # But not staff.
    "inactive": ({"is_staff": True, "is_active": False}, EVERY_PERMISSION),
    "superuser": ({"is_staff": True, "is_superuser": True}, ()),
    **{name: ({"is_staff": True}, permissions) for name, permissions in STAFF.items()},
}
# Anonymous clients, by the token that each sends with a request for a task.
BEARERS: dict[str, Callable[[str], str]] = {
    "anonymous": lambda task_id: "",
    "bearer": status_token,
    "page": lambda task_id: piece_token(task_id, {"label": "Your report"}),
    "other-bearer": lambda task_id: status_token("0" * 32),
    "other-page": lambda task_id: piece_token("0" * 32, {}),
    "late-bearer": lambda task_id: a_day_ago(status_token, task_id),
    "late-page": lambda task_id: a_day_ago(lambda own: piece_token(own, {}), task_id),
}
ACTORS = (*BEARERS, *USERS)


def a_day_ago(sign: Callable[[str], str], task_id: str) -> str:
    """Return a token that was signed a day and a second ago."""
    now = signing.time.time
    signing.time.time = lambda: now() - 86_401
    try:
        return sign(task_id)
    finally:
        signing.time.time = now


class AccessSite:
    """The site, with a client for each actor and a task in each state."""

    def __init__(self) -> None:
        self.options = configured()["default"]
        self.store: Any = store_of(self.options)
        self.payloads: Any = payloads_of(self.options)
        self.clients = {name: Client(enforce_csrf_checks=True) for name in BEARERS}
        permissions = {permission.codename: permission for permission in Permission.objects.all()}
        for name, (traits, codenames) in USERS.items():
            user = User.objects.create(username=name, **traits)
            user.user_permissions.add(*(permissions[codename] for codename in codenames))
            self.clients[name] = Client(enforce_csrf_checks=True)
            self.clients[name].force_login(user, "django.contrib.auth.backends.ModelBackend")
        for client in self.clients.values():
            client.cookies["csrftoken"] = CSRF
        self.reset()

    def reset(self) -> None:
        """Put the tasks and the message back as they were."""
        for kept in (self.store.records, self.store.texts, self.store._due):
            kept.clear()
        now = datetime.now(UTC)
        for state, task_id in IDS.items():
            self.store.change(task_id, storing(item_in(state, task_id, now)))
            if state in {"failed", "done"}:
                error = {"class": "builtins.ValueError", "message": CANARIES["e"], "at": to_micros(now)}
                self.store.texts[task_id] = {error_part(1): dump({**error, "traceback": CANARIES["t"]})}
        self.payloads.put(BODY, CANARIES["b"].encode())
        pause(self.options, "weekly", now)
        self.before = copy.deepcopy(self.state())

    def state(self) -> object:
        """Return everything that a request may change, as it is now."""
        return self.store.records, self.store.texts, self.payloads.get(BODY)

    def ask(self, actor: str, method: str, endpoint: str, state: str, *, csrf: bool) -> HttpResponse:
        """Send a request, in which everything that a form or a link of the library sends is present."""
        name, _, variant = endpoint.partition(":")
        task_id = IDS.get(state, UNKNOWN)
        data: dict[str, Any] = {}
        if name in {"status", "cancel", "progress"}:
            url = reverse(f"django_offload:{name}", args=[task_id])
        elif name == "start":
            url, data = reverse("start"), {}
        elif name in {"change", "history", "delete"}:
            url = reverse(f"{BOARD}{name}", args=[task_id])
        elif name == "to-change":  # An address of an early Django, which leads to the page of the task.
            url = f"{reverse(f'{BOARD}changelist')}{task_id}/"
        else:
            url = reverse(f"{BOARD}{name}")
        if name == "act":
            confirmed = {"confirmed": "yes"} if variant.endswith("!") else {}
            data = {"action": variant.rstrip("!"), "id": task_id, **confirmed}
        if name == "schedules_act":
            data = {"action": variant.rstrip("!"), "schedule": f"default:{schedule_of(variant)}"}
            data |= {"confirmed": "yes", "at": datetime.now(UTC).isoformat()} if variant.endswith("!") else {}
        if name == "unreadable" and (method == "POST" or variant == "body"):
            data = {"key": BODY}
        if name == "changelist" and variant:
            data = {"list": variant}
        headers = {"X-CSRFToken": CSRF} if csrf else {}
        if actor in BEARERS and (token := BEARERS[actor](task_id)):
            headers["X-Offload-Token"] = token
        send = getattr(self.clients[actor], method.lower())
        if name == "start" and method == "POST":
            answer = send(url, json.dumps({"number": 1}), content_type="application/json", headers=headers)
        else:
            answer = send(url, data, headers=headers)
        return answer  # type: ignore[no-any-return]


def schedule_of(variant: str) -> str:
    return SCHEDULES[variant.rstrip("!")]


def item_in(state: str, task_id: str, now: datetime) -> dict[str, Any]:
    """Return a record in a state, which has every private value that such a record may have."""
    whose, of = DUPLICATES.get(state, ("owner", ""))
    enqueued = enqueued_task(
        task_id,
        name="tests.unit.tasks.double",
        arguments=dump([[CANARIES["a"]], {}]),
        owner=f"user:{USERS[whose][0]['pk']}",
        enqueued_at=now,
    )
    if of:
        return dict(duplicate_item(enqueued, IDS[of], now, timedelta(days=1)))
    item: dict[str, Any] = {**initial_item(enqueued)}
    if state == "waiting":
        return item
    progress = {"done": 1, "total": 2, "message": CANARIES["p"]}
    item |= {"started_at": to_micros(now), "attempted_at": to_micros(now), "fence": 1, "workers": ["w"]}
    item["progress"] = dump(progress)
    if state == "running":
        return item | {"status": "RUNNING", "token": "t", "lease_until": to_micros(now + timedelta(hours=1))}
    item |= {"finished_at": to_micros(now), "hidden_at": to_micros(now + timedelta(days=1))}
    if state == "done":
        for name in ("due_at", "due_shard"):
            item.pop(name)
        item |= {"errors": [error_part(1)], "fence": 2}
        return item | {"status": "SUCCESSFUL", "result": dump(CANARIES["v"])}
    error = {"class": "builtins.ValueError", "message": CANARIES["e"]}
    if state == "dead":
        error["ended"] = True  # type: ignore[assignment]
    else:
        item["errors"] = [error_part(1)]
    shard = {"failed": -3, "dead": -1}[state]
    return item | {"status": "FAILED", "error": dump(error), "due_shard": shard}


def letters_of(answer: HttpResponse) -> str:
    """Return the letter of each private value that an answer shows, in its content, headers or messages."""
    messages = [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]
    cookies = answer.cookies.output()
    texts = " ".join([answer.content.decode(), str(answer.headers), cookies, *messages])
    return "".join(letter for letter, canary in CANARIES.items() if canary in texts)
