"""A transaction that a task leaves open is rolled back before the next task, on SQLite and PostgreSQL."""

import shutil
from unittest import mock

import pytest
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from django_offload.worker import connections as worker_connections
from django_offload.worker.connections import close_old_connections
from tests.contract import leaving_tasks as tasks
from tests.contract.setup import tasks_setting
from tests.reliability.databases import ledger, write

ERROR = "django_offload.exceptions.TransactionLeftOpen"
NAME = "tests.contract.leaving_tasks"


@pytest.fixture(params=[1, 3])
def at_a_time(request):
    return request.param


@pytest.fixture
def site(settings, database, at_a_time, request, exits):
    settings.TASKS = tasks_setting(
        modules=[NAME], queues={"default": {"concurrency": at_a_time, "batch_size": 10}}
    )
    tasks.kept.clear()
    tasks.runs.clear()
    tasks.children.clear()
    offload = request.getfixturevalue("offload")
    # As in a worker, which closes what is too old; the fixture leaves the connections of a test open.
    exits.enter_context(mock.patch.object(worker_connections, "close_old_connections", close_old_connections))
    return offload


@pytest.fixture
def second(site, database, migrated, tmp_path):
    """A second database, beside the default one."""
    copy = shutil.copy(migrated("sqlite")["NAME"], tmp_path / "second.sqlite3")
    wanted = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(copy)}
    configured = connections.configure_settings({DEFAULT_DB_ALIAS: {}, tasks.SECOND: wanted})
    connections.settings[tasks.SECOND] = configured[tasks.SECOND]
    yield connections[tasks.SECOND]
    connections[tasks.SECOND].close()
    del connections[tasks.SECOND], connections.settings[tasks.SECOND]


def enqueue_each(site, task, ways, at_a_time):
    """Enqueue a task that leaves by each way, and one that works after it; return both by the way."""
    results = {}
    for way in ways:
        left = task.enqueue(way, way)
        if at_a_time > 1:  # What another thread keeps is its own until it has ended.
            site.run()
        results[way] = left, tasks.work_in_transaction.enqueue(f"after {way}")
        if at_a_time > 1:
            site.run()
    site.run()
    for pair in results.values():
        for result in pair:
            result.refresh()
    return results


def is_clean(connection):
    return not (connection.in_atomic_block or connection.atomic_blocks or connection.savepoint_ids)


def test_a_task_that_returned_inside_a_transaction_failed_once(site, at_a_time, caplog):
    results = enqueue_each(site, tasks.leave_open, tasks.WAYS, at_a_time)

    for way, (left, later) in results.items():
        assert (way, left.status, later.status) == (way, "FAILED", "SUCCESSFUL")
        assert [error.exception_class_path for error in left.errors] == [ERROR]
        message = "returned before it ended its transaction on database default, which was rolled back"
        assert message in left.errors[0].traceback
        assert not any(any(state) for state in later.return_value), way
        (logged,) = [
            record.getMessage()
            for record in caplog.records
            if f"id={left.id} name={NAME}.leave_open left a transaction open" in record.getMessage()
        ]
        has_child = way not in {"autocommit_off", "begin"}
        assert (
            f"so they were not sent: id={tasks.children.get(way)} name={NAME}.child" in logged
        ) == has_child
    assert sorted(tasks.runs) == sorted(tasks.WAYS), "One was repeated."
    assert ledger() == sorted(f"{who}after {way}" for way in tasks.WAYS for who in ("", "child "))
    assert is_clean(connections[DEFAULT_DB_ALIAS])


def test_a_coroutine_that_returned_inside_a_transaction_failed(site, at_a_time):
    results = enqueue_each(site, tasks.leave_open_on_the_loop, ["kept_generator", "entered"], at_a_time)

    for left, later in results.values():
        assert (left.status, later.status) == ("FAILED", "SUCCESSFUL")
        assert [error.exception_class_path for error in left.errors] == [ERROR]
    assert [entry for entry in ledger() if entry.startswith("lost")] == []


def test_a_task_that_raised_inside_a_transaction_leaves_none(site, at_a_time, caplog):
    ways = ["generator", *tasks.WAYS]

    results = enqueue_each(site, tasks.leave_open_and_fail, ways, at_a_time)

    for way, (left, later) in results.items():
        assert (way, left.status, later.status) == (way, "FAILED", "SUCCESSFUL")
        assert [error.exception_class_path for error in left.errors] == ["builtins.LookupError"]
        assert not any(any(state) for state in later.return_value), way
        assert f"id={left.id} name={NAME}.leave_open_and_fail left a transaction open" in caplog.text
    assert ledger() == sorted(f"{who}after {way}" for way in ways for who in ("", "child "))


@pytest.mark.parametrize("left", [[tasks.SECOND], [DEFAULT_DB_ALIAS, tasks.SECOND]], ids=["second", "both"])
def test_a_transaction_on_a_second_database_is_rolled_back(site, at_a_time, second, left, caplog):
    results = [tasks.leave_second_open.enqueue(how, how == "failed", left) for how in ("returned", "failed")]
    if at_a_time > 1:
        site.run()
    later = [tasks.work_in_second.enqueue(f"later {number}") for number in range(2)]
    site.run()

    for result in (*results, *later):
        result.refresh()
    returned, failed = results
    assert [error.exception_class_path for error in returned.errors] == [ERROR]
    names = f"database {', '.join(left)}"
    assert f"ended its transaction on {names}, which was rolled back" in returned.errors[0].traceback
    assert [error.exception_class_path for error in failed.errors] == ["builtins.LookupError"]
    for result in results:
        assert (
            f"id={result.id} name={NAME}.leave_second_open left a transaction open on {names}" in caplog.text
        )
    assert sorted(tasks.runs) == ["failed", "returned"], "One was repeated."
    assert [result.return_value for result in later] == 2 * [2 * [[False, True]]]
    committed = ["child failed", "child returned", "failed", "later 0", "later 1", "returned"]
    assert ledger() == committed, "What was committed to the other database stays."
    assert ledger(tasks.SECOND) == ["later 0", "later 1"]
    assert is_clean(second)


@pytest.mark.parametrize("at_a_time", [1], indirect=True)
def test_the_transaction_of_a_test_on_one_database_stays_if_a_task_leaves_one_on_another(
    site, exits, second, caplog
):
    exits.enter_context(mock.patch.object(worker_connections, "close_old_connections"))
    with transaction.atomic(using=tasks.SECOND):
        write("before", using=tasks.SECOND)
        left = tasks.leave_open.enqueue("entered", "left")
        both = tasks.leave_second_open.enqueue("both", True, [tasks.SECOND])
        site.run()
        assert (second.in_atomic_block, len(second.atomic_blocks), second.savepoint_ids) == (True, 1, [])
        write("after", using=tasks.SECOND)

    for result in (left, both):
        result.refresh()
        assert f"id={result.id} name={result.task.module_path} left a transaction open" in caplog.text
    assert [left.status, both.status] == ["FAILED", "FAILED"]
    assert ledger() == ["both", "child both"]
    assert ledger(tasks.SECOND) == ["after", "before"]


@pytest.mark.parametrize("at_a_time", [1], indirect=True)
def test_the_transaction_of_a_test_stays_as_it_was(site, exits):
    ways = ["generator", *(way for way in tasks.WAYS if way not in {"autocommit_off", "begin"})]
    ours = connections[DEFAULT_DB_ALIAS]
    left = [tasks.leave_open_and_fail.enqueue(way, way) for way in ways]
    left += [tasks.leave_open.enqueue(way, way) for way in ways[1:]]
    later = tasks.work_in_transaction.enqueue("later")

    # As the fixture has it, because its connections belong to the test.
    exits.enter_context(mock.patch.object(worker_connections, "close_old_connections"))
    with transaction.atomic():
        write("before")
        with transaction.atomic():
            blocks = [*ours.atomic_blocks]
            site.run()
            assert (ours.atomic_blocks, len(ours.savepoint_ids)) == (blocks, 1)
            write("after")
    site.run()

    for result in (*left, later):
        result.refresh()
    assert [result.status for result in left] == ["FAILED"] * len(left)
    assert later.status == "SUCCESSFUL"
    assert ledger() == ["after", "before", "child later", "later"]


def test_what_a_task_committed_itself_is_kept(site, exits):
    # As the fixture has it: a worker closes a connection without autocommit anyway.
    exits.enter_context(mock.patch.object(worker_connections, "close_old_connections"))
    result = tasks.commit_without_atomic.enqueue("mine")
    later = tasks.work_in_transaction.enqueue("later")
    site.run()

    result.refresh()
    later.refresh()
    assert (result.status, later.status) == ("SUCCESSFUL", "SUCCESSFUL")
    assert ledger() == ["child later", "later", "mine"]
    assert connections[DEFAULT_DB_ALIAS].get_autocommit()


# If a deadline is raised within a __del__(), Python only prints it, and it is raised again later.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_deadline_anywhere_in_a_transaction_leaves_none(site):
    results = [tasks.enter_until_the_deadline.enqueue() for _ in range(10)]
    later = [tasks.work_in_transaction.enqueue(f"later {number}") for number in range(3)]
    site.run()

    for result in (*results, *later):
        result.refresh()
    assert {result.status for result in results} == {"FAILED"}
    assert all("DeadlineExceeded" in result.errors[0].traceback for result in results)
    assert [result.status for result in later] == ["SUCCESSFUL"] * 3
    assert ledger() == sorted(f"{who}later {number}" for number in range(3) for who in ("", "child "))
    assert is_clean(connections[DEFAULT_DB_ALIAS])


@pytest.mark.parametrize(("age", "stays"), [(0, False), (None, True)], ids=["each its own", "kept"])
@pytest.mark.parametrize("at_a_time", [1], indirect=True)
def test_a_session_is_that_of_the_next_task_only_if_connections_are_kept(site, monkeypatch, age, stays):
    """As the page on what a worker keeps says."""
    ours = connections[DEFAULT_DB_ALIAS]
    ours.close()
    monkeypatch.setitem(ours.settings_dict, "CONN_MAX_AGE", age)
    results = [
        tasks.look_at_session.enqueue(),
        tasks.change_session.enqueue(),
        tasks.look_at_session.enqueue(),
    ]
    site.run()
    ours.close()

    for result in results:
        result.refresh()
    before, changed, after = (result.return_value for result in results)
    assert before != changed
    assert after == (changed if stays else before)
