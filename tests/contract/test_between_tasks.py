"""What changes the process between two tasks, and isn't a task, is left as it is."""

import os
import socket
from contextlib import contextmanager

import pytest
from django.db import transaction

from django_offload.compat import signals
from django_offload.definition.context import OffloadContext
from django_offload.worker import process_state
from django_offload.worker.execution import execute
from django_offload.worker.process_restore import PARTS
from django_offload.worker.process_state import warn
from tests.contract import changing_tasks
from tests.contract import process_tasks as tasks
from tests.contract.process_site import changes_told, process_tasks_setting, work


@pytest.fixture
def site(settings, request):
    settings.TASKS = process_tasks_setting()
    return request.getfixturevalue("offload")


@contextmanager
def receiving(signal, receiver):
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def test_what_receivers_of_signals_change_between_two_tasks_is_theirs(site, caplog):
    def begin(task_result, **kwargs):
        os.environ["CURRENT_TASK"] = task_result.id

    def end(**kwargs):
        del os.environ["CURRENT_TASK"]

    warn.cache_clear()
    with receiving(signals.task_started, begin), receiving(signals.task_finished, end):
        results = [changing_tasks.read_variable.enqueue() for _ in range(5)]
        site.run()

    for result in results:
        result.refresh()
        assert result.return_value == result.id
    assert "CURRENT_TASK" not in os.environ
    assert changes_told(caplog) == []


def test_what_a_receiver_changes_that_a_task_connected_is_its_own(site, caplog, monkeypatch):
    monkeypatch.setenv("CURRENT_TASK", "none")
    warn.cache_clear()
    try:
        connect = changing_tasks.connect_receiver.enqueue()
        results = [changing_tasks.read_variable.enqueue() for _ in range(3)]
        work(site, connect, *results)
    finally:
        signals.task_started.disconnect(changing_tasks.begin)

    assert [result.return_value for result in results] == [result.id for result in results]
    assert changes_told(caplog) == []


def test_what_a_receiver_changes_that_disconnects_itself_is_its_own(site, caplog, monkeypatch):
    monkeypatch.setenv("CURRENT_TASK", "none")

    def end_once(**kwargs):
        os.environ["CURRENT_TASK"] = "one has ended"
        signals.task_finished.disconnect(end_once)

    warn.cache_clear()
    with receiving(signals.task_finished, end_once):
        answers = work(site, *(changing_tasks.read_variable.enqueue() for _ in range(4)))

    assert answers == ["none", *3 * ["one has ended"]]
    assert changes_told(caplog) == []


def test_what_cannot_be_put_back_is_said_of_the_task_that_changed_it(site, caplog, monkeypatch):
    monkeypatch.setitem(PARTS, "socket_timeout", ("the timeout of sockets", lambda before: 1 / 0))
    try:
        work(
            site,
            changing_tasks.change_process.enqueue("sockets"),
            tasks.nothing.enqueue(),
            tasks.nothing.enqueue(),
        )
    finally:
        socket.setdefaulttimeout(None)

    told = [record.getMessage() for record in caplog.records]
    assert [text for text in told if "couldn't be put back" in text] == [
        "Task tests.contract.changing_tasks.change_process changed the timeout of sockets, which couldn't be "
        "put back: division by zero"
    ]


def test_what_changes_between_two_invocations_is_no_change_of_a_task(
    sqlite_database, site, monkeypatch, tmp_path
):
    first = tasks.nothing.enqueue()
    work(site, first)
    monkeypatch.setenv("BETWEEN_INVOCATIONS", "1")
    work(site, tasks.nothing.enqueue())
    assert os.environ["BETWEEN_INVOCATIONS"] == "1"
    monkeypatch.chdir(tmp_path)
    work(site, tasks.nothing.enqueue())
    assert os.getcwd() == str(tmp_path)

    monkeypatch.setenv("OUTSIDE_INVOCATIONS", "1")
    with transaction.atomic():
        assert execute(tasks.nothing, OffloadContext(task_result=first), 5.0).exception is None
        assert transaction.get_connection().in_atomic_block
    monkeypatch.setenv("OUTSIDE_INVOCATIONS", "2")
    assert execute(tasks.nothing, OffloadContext(task_result=first), 5.0).exception is None
    assert os.environ["OUTSIDE_INVOCATIONS"] == "2"


def test_a_variable_that_changes_between_two_invocations_is_all_that_is_read_again(site, monkeypatch):
    """As Lambda's runtime sets one before each."""
    work(site, tasks.nothing.enqueue())

    monkeypatch.setenv("_X_AMZN_TRACE_ID", "the second")
    with monkeypatch.context() as patched:
        patched.setattr(process_state, "read", None)
        assert work(site, tasks.nothing.enqueue()) == [None]

    monkeypatch.setenv("_X_AMZN_TRACE_ID", "the third")
    before = changing_tasks.state()
    assert work(site, changing_tasks.change_process.enqueue("variables")) == [True]
    assert changing_tasks.state() == before
