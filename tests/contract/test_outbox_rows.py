"""Rows of the outbox that other releases wrote or somebody changed: each is sent, or stays and is named."""

import json

import pytest

from django_offload.outbox.models import OutboxEntry
from django_offload.sending.outbox_row import VERSION
from tests.contract.outbox_site import drain, leave_behind, rows
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, outbox=True)
    return request.getfixturevalue("offload")


def changed(**fields):
    """Return a row in which these fields were changed. None removes one."""

    def change(birth):
        row = {**json.loads(birth), **fields}
        return json.dumps({name: value for name, value in row.items() if value is not None})

    return change


BROKEN = {
    "no JSON": lambda birth: birth[:-1],
    "nothing": lambda birth: "",
    "a list": lambda birth: "[]",
    "null": lambda birth: "null",
    "deep": lambda birth: "[" * 100_000,
    "half a row": lambda birth: '{"id": 1}',
    "something else": lambda birth: '{"color": "red"}',
    "no id": changed(id=None),
    "a number as id": changed(id=7),
    "another id": changed(id="0" * 32),
    "no id of a task": changed(id="7"),
    "another alias": changed(alias="other"),
    "no name": changed(name=None),
    "a list as name": changed(name=["a"]),
    "no queue": changed(queue=None),
    "no arguments": changed(arguments=None),
    "arguments of other JSON": changed(arguments="[[ ],{}]"),
    "arguments of two equal keys": changed(arguments='[[{"1":1,"1":2}],{}]'),
    "half of the arguments": changed(arguments="[[]]"),
    "arguments that are none": changed(arguments="[{},[]]"),
    "arguments that are no JSON": changed(arguments="[[],{}"),
    "arguments as JSON": changed(arguments=[[], {}]),
    "no time": changed(enqueued_at=None),
    "a text as time": changed(enqueued_at="2026-01-01"),
    "a fraction as time": changed(run_after=1.5),
    "a time without end": changed(enqueued_at=10**30),
    "a number as owner": changed(owner=7),
    "a text as depth": changed(depth="1"),
    "true as depth": changed(depth=True),
    "a number as trace": changed(traceparent=7),
    "a number as root": changed(v=2, root=7),
    "no id as root": changed(v=2, root="b:7"),
    "a list as options": changed(options=[]),
    "a text as reference": changed(reference="a"),
    "half of a reference": changed(reference={"key": "a"}),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_row_that_cannot_be_read_stops_no_other(site, caplog, broken):
    left = leave_behind(3)
    birth = OutboxEntry.objects.get(id=left[0]).birth
    OutboxEntry.objects.filter(id=left[0]).update(birth=broken(birth))

    assert drain() == 2

    assert rows() == [left[0]]
    assert sorted(site.stores[STACK].records) == left[1:]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith(f"Task id={left[0]} stays in the outbox: ")
    assert said[0].endswith(
        "its row can't be read. Correct its 'birth', or delete it from offload_outbox_outboxentry"
    )


@pytest.mark.parametrize("version", [VERSION + 1, 0, "1", 1.5, [], None])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_row_of_another_version_stays_and_stops_no_other(site, caplog, version):
    left = leave_behind(2)
    entry = OutboxEntry.objects.get(id=left[0])
    OutboxEntry.objects.filter(id=left[0]).update(birth=json.dumps({**json.loads(entry.birth), "v": version}))

    assert drain() == 1

    assert rows() == [left[0]]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(
        f"Task id={left[0]} stays in the outbox: UnknownVersion: The row of the outbox has"
    )


def test_a_row_of_a_newer_version_stays_until_a_release_can_read_it(site, caplog):
    (left,) = leave_behind()
    entry = OutboxEntry.objects.get()
    written = json.loads(entry.birth)
    OutboxEntry.objects.update(birth=json.dumps({**written, "v": VERSION + 1, "cause": "a"}))

    assert drain() == 0

    assert rows() == [left]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        f"Task id={left} stays in the outbox: UnknownVersion: The row of the outbox has version "
        f"{VERSION + 1}, which this release can't read. Deploy the workers before the web side, or upgrade "
        "django-offload on the workers."
    )
    OutboxEntry.objects.update(birth=entry.birth)
    assert drain() == 1


@pytest.mark.parametrize(
    "change",
    [{"v": None}, {"later": "a"}, {"v": None, "owner": None, "depth": None, "options": None}],
    ids=["first rows", "newer fields", "fewer fields"],
)
def test_a_row_of_another_release_with_this_version_is_sent(site, change):
    (left,) = leave_behind()
    written = json.loads(OutboxEntry.objects.get().birth)
    assert written["v"] == 1
    fields = {name: value for name, value in {**written, **change}.items() if value is not None}
    OutboxEntry.objects.update(birth=json.dumps(fields))

    assert drain() == 1

    assert rows() == []
    site.run()
    assert site.stores[STACK].records[left]["status"] == "SUCCESSFUL"
