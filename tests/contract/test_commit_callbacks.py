"""A task whose transaction is committed leaves, whatever the project's own callbacks of the commit raise."""

import logging
from contextlib import contextmanager
from unittest import mock

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.contract import tasks
from tests.contract.outbox_site import messages, rolled_back, rows
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.reliability.databases import ledger, write


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
def committing(error):
    """Commit a transaction, of which a callback raises this error."""
    with pytest.raises(error), transaction.atomic():
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


STEPS = st.lists(st.sampled_from(["task", "tasks", "raise", "pass", "robust", "rolled back", "released"]))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_every_task_of_a_committed_transaction_leaves(site, steps):
    expected = []

    def enqueue():
        result = tasks.answer.enqueue()
        expected.append(result.id)

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
        else:
            callback = {"raise": failing, "pass": lambda: None, "robust": failing}[step]
            transaction.on_commit(callback, robust=step == "robust")

    site.stores[STACK].records.clear()
    try:
        with transaction.atomic():
            for step in steps:
                take(step)
    except RuntimeError:
        assert "raise" in steps
    else:
        assert "raise" not in steps

    assert list(site.stores[STACK].records) == expected
