"""A task whose transaction is committed leaves, whatever the project's own callbacks of the commit raise."""

import logging
from contextlib import contextmanager, suppress
from functools import partial
from unittest import mock

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, connection, connections, transaction
from django.http import HttpResponse
from django.test import RequestFactory, TestCase
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.contract import tasks
from tests.contract.outbox_site import messages, rolled_back, rows
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.reliability.databases import at_once, ledger, write


class Interrupted(BaseException):
    """As KeyboardInterrupt or the SystemExit of a server that ends its worker."""


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES)
    return request.getfixturevalue("offload")


def failing():
    raise RuntimeError("the project's own callback")


def interrupted():
    raise Interrupted


@contextmanager
def committing(error, **options):
    """Commit a transaction, of which a callback raises this error."""
    with pytest.raises(error), transaction.atomic(**options):
        yield


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


@pytest.mark.parametrize(("callback", "raised"), [(failing, RuntimeError), (interrupted, Interrupted)])
@pytest.mark.parametrize("alias", ["default", "other"])
def test_tasks_after_a_callback_that_raises_leave(site, caplog, callback, raised, alias):
    called = []
    with committing(raised):
        write("order")
        first = tasks.answer.using(backend=alias).enqueue()
        transaction.on_commit(callback)
        transaction.on_commit(lambda: called.append("Django drops it"))
        second = tasks.answer.using(backend=alias).enqueue()
        many = list(tasks.echo.using(backend=alias).enqueue_many([(1,), (2,)]))

    results = [first, second, *many]
    assert (ledger(), called, errors(caplog)) == (["order"], [], [])
    assert all(result.enqueued_at for result in results)
    assert site.run() == 4
    for result in results:
        result.refresh()
        assert result.status == "SUCCESSFUL"


def test_a_callback_still_comes_before_a_task_that_was_enqueued_after_it(site):
    order = []
    with transaction.atomic():
        transaction.on_commit(lambda: order.append(len(messages(site))))
        tasks.answer.enqueue()
        transaction.on_commit(lambda: order.append(len(messages(site))))

    assert order == [0, 1]


def test_tasks_of_the_outbox_leave_at_once_too(site, settings):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, outbox=True)
    with committing(RuntimeError):
        transaction.on_commit(failing)
        tasks.answer.enqueue()

    assert (rows(), len(messages(site))) == ([], 1)


def test_a_savepoint_that_was_rolled_back_sends_nothing(site):
    with committing(RuntimeError):
        transaction.on_commit(failing)
        kept = tasks.answer.enqueue()
        with rolled_back():
            tasks.answer.enqueue()

    assert list(site.stores[STACK].records) == [kept.id]


def test_a_commit_that_fails_sends_nothing(site):
    with mock.patch.object(connection, "_commit", side_effect=DatabaseError), committing(DatabaseError):
        tasks.answer.enqueue()

    assert (messages(site), connection.run_on_commit) == ([], [])


def test_a_transaction_inside_a_callback_has_callbacks_of_its_own(site):
    def nested():
        with transaction.atomic():
            transaction.on_commit(failing)
            tasks.echo.enqueue("inner")

    with committing(RuntimeError):
        transaction.on_commit(nested)
        tasks.echo.enqueue("outer")

    assert site.run() == 2


def test_if_sending_is_interrupted_each_task_is_named(site, caplog):
    with (
        mock.patch("django_offload.backends.base.send_many", side_effect=Interrupted),
        committing(Interrupted),
    ):
        transaction.on_commit(failing)
        lost = [tasks.answer.enqueue(), *tasks.echo.enqueue_many([(1,), (2,)]), tasks.answer.enqueue()]

    said = errors(caplog)
    assert len(said) == 4
    for result, text in zip(lost, said, strict=True):
        assert text == f"Task id={result.id} may not have been sent at the commit: Interrupted"


@pytest.mark.parametrize("raised", [RuntimeError("no"), Interrupted()])
def test_if_sending_raises_at_an_ordinary_commit_each_task_is_named(site, caplog, raised):
    interrupts = isinstance(raised, Interrupted)
    with (
        mock.patch("django_offload.backends.base.send_many", side_effect=[raised, [None]]),
        committing(Interrupted) if interrupts else transaction.atomic(),
    ):
        lost, sent = tasks.answer.enqueue(), tasks.answer.enqueue()

    said = (
        "may not have been sent at the commit: Interrupted"
        if interrupts
        else "was not sent at the commit: no"
    )
    assert errors(caplog) == [f"Task id={lost.id} {said}"]
    assert sent.enqueued_at is not None


@pytest.mark.parametrize("error", [DatabaseError, Interrupted])
def test_tasks_leave_if_autocommit_cannot_be_turned_on_after_the_commit(site, error):
    connection.ensure_connection()
    set_autocommit = connection._set_autocommit

    def broken(autocommit):
        if autocommit:
            raise error("the connection broke")
        set_autocommit(autocommit)

    with mock.patch.object(connection, "_set_autocommit", broken), committing(error):
        result = tasks.answer.enqueue()
        write("order")

    assert list(site.stores[STACK].records) == [result.id]
    connection.close()
    assert ledger() == ["order"]
    with transaction.atomic():
        tasks.answer.enqueue()
    assert len(messages(site)) == 2


def test_tasks_leave_if_django_finds_the_connection_unusable_after_the_commit(site):
    closes = [connection.close]

    def check():  # As close_if_health_check_failed(), which also drops the callbacks.
        if connection.run_commit_hooks_on_set_autocommit_on and closes:
            closes.pop()()

    with mock.patch.object(connection, "close_if_health_check_failed", check), transaction.atomic():
        result = tasks.answer.enqueue()

    assert list(site.stores[STACK].records) == [result.id]


def test_tasks_leave_although_a_callback_closes_the_connection(site):
    with transaction.atomic():
        transaction.on_commit(connection.close)
        tasks.answer.enqueue()
        transaction.on_commit(connections.close_all)
        tasks.answer.enqueue()

    assert len(messages(site)) == 2


def test_a_connection_that_is_closed_in_a_transaction_sends_nothing(site):
    with suppress(DatabaseError), transaction.atomic():
        tasks.answer.enqueue()
        connection.close()

    assert messages(site) == []
    with transaction.atomic():
        tasks.answer.enqueue()
    assert len(messages(site)) == 1


class Anything:
    """A callback that has every attribute, as a Mock does, and whose wrapped function is itself."""

    def __init__(self, called):
        self.__dict__["called"] = called

    def __call__(self):
        self.called.append(1)

    def __getattr__(self, name):
        return self


def test_callbacks_of_the_project_are_dropped_as_django_drops_them_whatever_they_are(site):
    called = []
    with committing(RuntimeError):
        transaction.on_commit(failing)
        transaction.on_commit(Anything(called))
        transaction.on_commit(Anything(called).__call__)
        transaction.on_commit(partial(called.append, 1))
        transaction.on_commit(mock.Mock().method)
        transaction.on_commit(called.clear)
        tasks.answer.enqueue()

    assert (called, len(messages(site))) == ([], 1)


def test_a_view_in_a_transaction_of_its_own_loses_no_task(site):
    def view(request):
        transaction.on_commit(failing)
        tasks.answer.enqueue()
        return HttpResponse()

    with mock.patch.dict(connection.settings_dict, ATOMIC_REQUESTS=True):
        atomic_view = BaseHandler().make_view_atomic(view)
        with pytest.raises(RuntimeError):
            atomic_view(RequestFactory().get("/"))

    assert len(messages(site)) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_durable_transaction_loses_no_task(site):
    with committing(RuntimeError, durable=True):
        with rolled_back():
            transaction.on_commit(failing)
        transaction.on_commit(failing)
        with transaction.atomic():
            tasks.answer.enqueue()

    assert len(messages(site)) == 1


def test_an_async_view_that_opens_a_transaction_in_a_thread_loses_no_task(site):
    def save():
        with transaction.atomic():
            transaction.on_commit(failing)
            result = async_to_sync(tasks.answer.aenqueue)()
            assert messages(site) == []
            ids.append(result.id)

    async def view():
        with pytest.raises(RuntimeError):
            await sync_to_async(save)()

    ids = []
    async_to_sync(view)()

    assert list(site.stores[STACK].records) == ids
    assert len(ids) == 1


def test_each_thread_has_commits_of_its_own(site):
    def save(number):
        with suppress(RuntimeError), transaction.atomic():
            write(f"order {number}")
            transaction.on_commit(failing)
            tasks.echo.enqueue(number)

    assert at_once(*[partial(save, number) for number in range(4)]) == [None] * 4
    assert (len(messages(site)), len(ledger())) == (4, 4)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_test_case_that_captures_callbacks_sends_each_task_once(site):
    with transaction.atomic():
        with TestCase.captureOnCommitCallbacks(execute=True) as callbacks:
            tasks.answer.enqueue()
            transaction.on_commit(failing, robust=True)
            tasks.answer.enqueue()
        assert (len(callbacks), len(messages(site))) == (3, 2)
        transaction.set_rollback(True)

    assert len(messages(site)) == 2


STEPS = st.lists(
    st.sampled_from(
        [
            "task",
            "tasks",
            "raise",
            "interrupt",
            "pass",
            "robust",
            "close",
            "nested",
            "rolled back",
            "released",
        ]
    )
)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_every_task_of_a_committed_transaction_leaves(site, steps):
    expected = []
    inner = []
    callbacks = {
        "raise": failing,
        "interrupt": interrupted,
        "pass": lambda: None,
        "robust": failing,
        "close": connection.close,
    }

    def enqueue():
        result = tasks.answer.enqueue()
        expected.append(result.id)

    def in_a_callback():
        with transaction.atomic():
            inner.append(tasks.answer.enqueue().id)

    def take(step):
        if step == "task":
            enqueue()
        elif step == "tasks":
            expected.extend(result.id for result in tasks.echo.enqueue_many([(1,), (2,)]))
        elif step == "rolled back":
            with rolled_back():
                transaction.on_commit(failing)
                tasks.answer.enqueue()
        elif step == "released":
            with transaction.atomic():
                enqueue()
        elif step == "nested":
            transaction.on_commit(in_a_callback)
        else:
            transaction.on_commit(callbacks[step], robust=step == "robust")

    site.stores[STACK].records.clear()
    try:
        with transaction.atomic():
            for step in steps:
                take(step)
    except (RuntimeError, Interrupted):
        assert {"raise", "interrupt"} & {*steps}
    else:
        assert not {"raise", "interrupt"} & {*steps}

    # In a callback, tasks are enqueued where it is called; Django drops those after one that raises.
    assert [left for left in site.stores[STACK].records if left not in inner] == expected
    assert {*inner} <= {*site.stores[STACK].records}
