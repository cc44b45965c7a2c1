"""A small site with two stacks in memory, its URLs, and the five modules that AWS invokes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any
from unittest import mock

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from django_offload import transports
from django_offload.conf import ENV_STACK, Options, configured, signing_keys
from django_offload.http import TriggerView
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import Keyring
from django_offload.protocol.record import MESSAGE_LIFE
from django_offload.sending.enqueue import message_text
from django_offload.testing import Offload, sqs_event
from django_offload.transports import Delivery
from django_offload.transports.lambda_invoke import LambdaTransport
from tests.contract.setup import STACK, tasks_setting
from tests.security import tasks
from tests.security.tripwire import FIRED

DOORS = ("worker", "sweeper", "dead_letter", "migrate", "web")
# Where the queues of sqs_event() are.
_SOURCE: str = sqs_event([Delivery(id="1", body="{}", queue="q")], "q")["Records"][0]["eventSourceARN"]
REGION, ACCOUNT = _SOURCE.split(":")[3:5]
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{STACK}-sweeper"
HOSTS = ["testserver", "cakes.example", ".amazonaws.com", ".on.aws"]  # Of tests.unit.web.events.
NIGHTLY = {"task": "tests.security.tasks.note", "when": "cron(0 3 * * ? *)", "args": ["nightly"]}


@method_decorator(csrf_exempt, name="dispatch")
class Note(TriggerView):
    """Enqueues a task with what anybody sends."""

    task = tasks.note


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("There is no such page.", status=404)


urlpatterns = [
    path("note/", Note.as_view()),
    path("tasks/", include("django_offload.urls")),
    path("admin/", admin.site.urls),
]


@dataclass(slots=True)
class Context:
    """What Lambda tells a function of its invocation."""

    function_name: str
    qualifier: str = "live"
    log_stream_name: str = "2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef"
    aws_request_id: str = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
    memory_limit_in_mb: str = "256"
    invoked_function_arn: str = field(init=False)

    def __post_init__(self) -> None:
        self.invoked_function_arn = (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}:{self.qualifier}"
        )

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@dataclass
class Site:
    """The stack in memory, and what each function answers."""

    memory: Offload
    handlers: dict[str, Callable[..., Any]]
    honest: int = 0  # The number of honest messages so far.
    usual: frozenset[str] = frozenset()  # What honest events have a warm process do.

    @property
    def options(self) -> Options:
        return configured()["default"]

    @property
    def keyring(self) -> Keyring:
        return Keyring(signing_keys(), self.options.scope("default"))

    def now(self) -> datetime:
        return self.memory.clock()

    def message(self, **changes: Any) -> str:
        """Return the text of an honest message of its own. `changes` are those of its EnqueuedTask."""
        self.honest += 1
        fields: dict[str, Any] = {
            "id": f"{self.honest:032x}",
            "alias": "default",
            "name": "tests.security.tasks.note",
            "queue": "default",
            "arguments": dump([[self.honest], {}]),
            "enqueued_at": self.now(),
        }
        return message_text(EnqueuedTask(**fields | changes), self.options, self.now() + MESSAGE_LIFE)

    def batch(self, *bodies: str, dead: bool = False) -> dict[str, Any]:
        """Return the event that Lambda makes of these messages, whose ids are their numbers."""
        queue = self.options.dead_letter_queue("default") if dead else self.options.queue("default")
        deliveries = [
            Delivery(id=str(number), body=body, queue="default", handle=f"h{number}")
            for number, body in enumerate(bodies)
        ]
        return sqs_event(deliveries, queue)

    def invoke(self, door: str, event: Any, qualifier: str = "live") -> Any:
        """Call the function behind a door as Lambda does, by one of its aliases."""
        function = "default-worker" if door == "worker" else door.replace("_", "-")
        context = Context(f"{STACK}-{function}", qualifier)
        if door == "worker" and not (isinstance(event, Mapping) and "Records" in event):
            # Only a queue redelivers a message. An invocation has to raise what it can't work on.
            with transports.use(STACK, LambdaTransport(self.options)):
                return self.handlers[door](event, context)
        return self.handlers[door](event, context)

    def state(self) -> dict[str, Any]:
        """Return everything that is kept: records, their parts, objects, messages, and what tasks did."""
        store, payloads = self.memory.stores[STACK], self.memory.payloads[STACK]
        queues = self.memory.transports[STACK].queues
        return {
            "records": {task_id: dict(record) for task_id, record in store.records.items()},
            "parts": {
                key: dict(parts) if isinstance(parts, dict) else parts for key, parts in store.texts.items()
            },
            "objects": dict(payloads.objects),
            "messages": {
                name: {held.id: held.body for held in queue.messages.values()}
                for name, queue in queues.items()
            },
            "noted": list(tasks.NOTED),
            "fired": list(FIRED),
        }

    def clear(self) -> None:
        """Forget everything that is kept."""
        store, payloads = self.memory.stores[STACK], self.memory.payloads[STACK]
        store.records.clear()
        store.texts.clear()
        store._due.clear()
        payloads.objects.clear()
        for queue in self.memory.transports[STACK].queues.values():
            queue.messages.clear()
        tasks.NOTED.clear()
        FIRED.clear()


@contextmanager
def running_site() -> Iterator[Site]:
    """Yield the site, after each of the five modules has started as in AWS, in this process."""
    setting = tasks_setting(modules=["tests.security.tasks"], schedules={"nightly": NIGHTLY})
    with (
        mock.patch.dict(os.environ, {ENV_STACK: STACK}),
        override_settings(TASKS=setting, ROOT_URLCONF="tests.security.setup", ALLOWED_HOSTS=HOSTS),
        Offload().active() as memory,
    ):
        memory.transports[STACK].prepare("default")
        handlers = {door: import_module(f"lambdas.{door}").handler for door in DOORS}
        yield Site(memory, handlers)
