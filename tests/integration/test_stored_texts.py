"""No text of a record, a part, a message or an outbox row decides what a process imports."""

import importlib.abc
import json
import sys
from dataclasses import replace

import pytest
from django.urls import reverse

from django_offload.compat import default_task_backend
from django_offload.conf import configured
from django_offload.definition.registry import registry
from django_offload.exceptions import ClassNotImported, UnknownTask
from django_offload.http import status_url
from django_offload.outbox.drain import send_entries
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.record import FAILED, RUNNING
from django_offload.protocol.shards import shard_of
from django_offload.sending.enqueue import message_text
from django_offload.sending.outbox_row import pack
from tests.integration import tasks
from tests.integration.setup import record_of, store
from tests.old_shards import FAILED_SHARDS
from tests.unit.management.commands import run

BOARD = "admin:django_offload_task_changelist"
# What a stored text may name: a module that nobody has imported, and one that runs something when it is.
PATHS = ["unheard_of.Error", "antigravity.Error", "unheard_of", "this.d"]


class Finder(importlib.abc.MetaPathFinder):
    """Notes every module that this process looks for, other than those it is told of, and finds none."""

    def __init__(self):
        self.names, self.expected = [], set()

    def find_spec(self, name, path=None, target=None):
        if name not in self.expected:
            self.names.append(name)


@pytest.fixture
def imports(monkeypatch, tmp_path):
    """Return the names of the modules that are imported from now on. One of them would leave a trace."""
    (tmp_path / "unheard_of.py").write_text("raise SystemExit('a stored text imported me')\n")
    monkeypatch.syspath_prepend(tmp_path)
    finder = Finder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    run("offload_doctor", "--json")  # Its system checks look for the tasks and the tags of every app.
    finder.expected.update(finder.names)
    finder.names.clear()
    return finder.names


def stored_with(task_id, *removed, **attributes):
    """Write attributes into a record or remove them, as somebody who may write to the table can do."""
    conditions = ((equals("id", task_id),),)
    change = ConditionalWrite(name="forge", conditions=conditions, put=attributes, remove=frozenset(removed))
    store().change(task_id, change)


def failed_with(path, **attributes):
    """Return the id of a FAILED record in which every text names `path`."""
    result = tasks.note.enqueue("a")
    error = {"class": path, "message": path, "ended": True}
    store().put_part(
        result.id, "error#0001", json.dumps({**error, "at": 0, "traceback": f"{path}: so\n"}), 2**31
    )
    stored_with(
        result.id,
        status=FAILED,
        error=json.dumps(error),
        errors=["error#0001"],
        workers=[path],
        fence=1,
        options=json.dumps({"retry_on": [path], "no_retry_on": [path]}),
        progress=json.dumps({"done": 1, "total": 2, "message": path}),
        due_shard=FAILED_SHARDS[0],
        finished_at=1,
        **attributes,
    )
    return result.id


def read_by_every_face(staff, client, task_ids):
    """Read records wherever somebody can look at them: each by itself, and all together once."""
    for task_id in task_ids:
        read_one(staff, client, task_id)
    for name in ("failed", "dead", "underway", "deferred"):
        assert staff.get(f"{reverse(BOARD)}?list={name}").status_code == 200
    for command in (
        ("offload_dead", "list", "--failed"),
        ("offload_dead", "list", "--failed", "--json"),
        ("offload_status", "--json"),
        ("offload_doctor", "--json"),
    ):
        run(*command)
    for task_id in task_ids:
        run("offload_dead", "redrive", task_id, "--json")


def read_one(staff, client, task_id):
    """Read a record by its id."""
    try:
        result = default_task_backend.get_result(task_id)
    except UnknownTask:
        pass
    else:
        result.refresh()
        for error in result.errors:
            with pytest.raises(ClassNotImported):
                _ = error.exception_class
    for visitor in (staff, client):
        assert visitor.get(status_url(task_id)).status_code == 200
    assert staff.get(reverse("django_offload:progress", args=[task_id])).status_code == 200
    assert staff.get(reverse("admin:django_offload_task_change", args=[task_id])).status_code == 200
    for command in (
        ("offload_result", task_id),
        ("offload_result", task_id, "--json"),
        ("offload_dead", "show", task_id),
    ):
        run(*command)


@pytest.fixture
def faces(aws, staff):
    """Return a function that reads records by every face, after each has imported what it needs itself."""
    from django.test import Client

    def read(*task_ids):
        read_by_every_face(staff, Client(), task_ids)

    read(failed_with("shop.errors.Refused"), failed_with("shop.errors.Refused", name="tests.gone"))
    aws.run()
    aws.sweep()
    return read


def test_a_record_imports_nothing_wherever_it_is_read(faces, imports):
    before = set(sys.modules)

    faces(
        *(
            failed_with(path, **attributes)
            for path in PATHS
            for attributes in ({}, {"name": path}, {"alias": path}, {"owner": path}, {"queue": path})
        )
    )

    assert [name for name in imports if not name.startswith("tests.")] == []
    assert set(sys.modules) == before


def test_a_message_a_row_and_a_sweep_import_nothing(aws, queues, faces, imports):
    options, before = configured()["default"], set(sys.modules)
    enqueued = record_of(tasks.note.enqueue("a").id).enqueued
    lost = {path: failed_with(path) for path in PATHS}
    aws.run()
    for number, path in enumerate(PATHS):
        names = {"retry_on": [path], "no_retry_on": [path]}
        hostile = replace(enqueued, id=f"{number:032x}", name=path, options=names)
        retried = replace(enqueued, id=f"{number + 16:032x}", options=names)
        for each in (hostile, retried):
            queues.sqs.send_message(
                QueueUrl=queues.sqs.get_queue_url(QueueName=options.queue("default"))["QueueUrl"],
                MessageBody=message_text(each, options, enqueued.enqueued_at.replace(year=2100)),
            )
        OutboxEntry.objects.create(
            id=hostile.id, alias="default", birth=pack(hostile), created_at=enqueued.enqueued_at
        )
        shard = shard_of(lost[path])
        stored_with(lost[path], "finished_at", status=RUNNING, lease_until=1, due_at=1, due_shard=shard)
        aws.fail_next(OSError("not yet"))

    aws.run()
    entries = OutboxEntry.objects.all()
    assert len(send_entries(entries, lambda: 60.0)) == len(entries) == len(PATHS)
    assert aws.sweep().get("sent", 0) == len(PATHS)

    assert not registry().tasks.keys() & set(PATHS)
    assert [name for name in imports if not name.startswith("tests.")] == []
    assert set(sys.modules) == before
