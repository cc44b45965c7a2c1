"""
A process that serves requests and is killed in the middle of one: forked warm, its AWS a file.

    python -m tests.reliability.serving DATABASE SPOOL KILLS_PER_POINT WITH_OUTBOX

prints, as JSON, how often each point ended how.
"""

import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import django
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.test import override_settings

from django_offload import stores, transports
from django_offload.conf import configured
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite
from django_offload.protocol.record import read_record
from django_offload.sending.outbox_row import pack, unpack
from django_offload.stores.memory import MemoryStore
from django_offload.transports.memory import MemoryTransport
from tests.contract.records import create_record
from tests.reliability.databases import write

STACK = "serving"
# Where a request is killed, in the order in which it comes by.
POINTS = ("before the commit", "after the commit", "after the record", "after the message", "at the end")


class Spool:
    """What AWS has accepted, as lines of a file: they outlive whoever wrote them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, kind: str, text: str) -> None:
        with open(self.path, "a") as file:
            file.write(f"{kind} {text}\n")

    def replay(self, store: MemoryStore, transport: MemoryTransport) -> None:
        """Have AWS in memory hold what was accepted."""
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            kind, _, text = line.partition(" ")
            if kind == "record":
                create_record(store, unpack(text))
            else:
                transport.send("default", text, timedelta(0))


class SpoolStore(MemoryStore):
    """Accepts records."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool = spool

    def begin_create(self, item: Attributes) -> Callable[[], bool]:
        self._spool.note("record", pack(read_record(item).enqueued))
        return lambda: True

    def change(self, task_id: str, change: ConditionalWrite) -> Any:
        raise AssertionError("A serving process only creates records.")


class SpoolTransport(MemoryTransport):
    """Accepts messages."""

    def __init__(self, spool: Spool, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self._spool = spool

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        self._spool.note("message", text)


def view(request: HttpRequest) -> HttpResponse:
    """Write an order and enqueue its task, in one transaction; the kill before the commit is here."""
    from tests.reliability import tasks

    number = request.GET["number"]
    with transaction.atomic():
        write(number)
        tasks.plain.enqueue(int(number))
        reached("before the commit", request)
    return HttpResponse()


def reached(point: str, request: HttpRequest) -> None:
    if request.META["point"] == point:
        os.kill(os.getpid(), signal.SIGKILL)


def serve(requests: Iterable[tuple[int, str]], spool: Spool, at_once: int = 4) -> list[tuple[str, int]]:
    """
    Serve each request (its number, and where its process is killed) in a child of this warm process.

    Return point and exit code of each child; negative: the signal that ended it.
    """
    connections.close_all()
    children: dict[int, str] = {}
    ended: list[tuple[str, int]] = []

    def wait() -> None:
        pid, status = os.wait()
        ended.append((children.pop(pid), os.waitstatus_to_exitcode(status)))

    for number, point in requests:
        if len(children) == at_once:
            wait()
        pid = os.fork()
        if not pid:
            _child(number, point, spool)
        children[pid] = point
    while children:
        wait()
    return ended


def setting(*, outbox: bool) -> dict[str, Any]:
    return {
        "default": {
            "BACKEND": "django_offload.backends.SQSBackend",
            "OPTIONS": {"stack": STACK, "modules": ["tests.reliability.tasks"], "outbox": outbox},
        }
    }


def kill(kills: int, spool: Spool, *, kept: bool) -> list[tuple[str, int]]:
    """Kill serving processes, `kills` at each point that there is; return how each of them ended."""
    points = [point for point in POINTS if kept or point != "at the end"]
    transport = SpoolTransport(spool, lambda: datetime.now(UTC))
    with (
        override_settings(TASKS=setting(outbox=kept)),
        stores.use(STACK, SpoolStore(spool)),
        transports.use(STACK, transport),
    ):
        # Warm: what a process does once is done.
        view(request_of(0))
        return serve(((n, points[n % len(points)]) for n in range(1, kills * len(points) + 1)), spool)


def _child(number: int, point: str, spool: Spool) -> NoReturn:
    try:
        _serve(number, point, spool)
        os._exit(0)
    except BaseException:  # noqa: BLE001, only the parent goes on after the fork
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


def _serve(number: int, point: str, spool: Spool) -> None:
    from django_offload.outbox import drain as outbox

    options = configured()["default"]
    store, transport = stores.store_of(options), transports.transport_of(options)
    request = request_of(number, point)
    with (
        mock.patch.object(store, "begin_create", killing(store.begin_create, "after the record", request)),
        mock.patch.object(transport, "send", killing(transport.send, "after the message", request)),
        mock.patch("django_offload.backends.base.send_many", killing_before("after the commit", request)),
        mock.patch.object(outbox, "forget_many", killing(outbox.forget_many, "at the end", request)),
    ):
        view(request)


def request_of(number: int, point: str = "") -> HttpRequest:
    request = HttpRequest()
    request.GET = QueryDict(f"number={number}")
    request.META["point"] = point
    return request


def killing(call: Callable[..., Any], point: str, request: HttpRequest) -> Callable[..., Any]:
    """Return a call that is the last thing its process does, if it dies there."""

    def last(*args: Any, **kwargs: Any) -> Any:
        answer = call(*args, **kwargs)
        reached(point, request)
        return answer

    return last


def killing_before(point: str, request: HttpRequest) -> Callable[..., Any]:
    from django_offload.sending.enqueue import send_many

    def first(*args: Any, **kwargs: Any) -> Any:
        reached(point, request)
        return send_many(*args, **kwargs)

    return first


if __name__ == "__main__":
    database, path, count, kept = sys.argv[1:]
    os.environ |= {"RELIABILITY_DATABASE": database, "DJANGO_SETTINGS_MODULE": "tests.reliability.site"}
    django.setup()
    ended = kill(int(count), Spool(Path(path)), kept=bool(int(kept)))
    print(json.dumps(Counter(f"{point}: {code}" for point, code in ended)))
