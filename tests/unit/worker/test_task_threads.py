"""What a task's threads report and enqueue belongs to the task, and to no other."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from django_offload.compat import signals
from django_offload.conf import configured
from django_offload.definition.context import OffloadContext, current, running, trace
from django_offload.protocol.record import read_record
from django_offload.sending import enqueue
from django_offload.stores import store_of
from django_offload.worker.task_threads import pass_on_context
from tests.contract.setup import tasks_setting
from tests.unit import thread_tasks as tasks

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture(autouse=True)
def _setting(settings):
    settings.TASKS = tasks_setting(
        modules=["tests.unit.thread_tasks"],
        in_tests="memory",
        owner="tests.unit.thread_tasks.owner_of_request",
        queues={"reports": {"concurrency": 2, "batch_size": 2}},
    )


def record(task_id):
    return read_record(store_of(configured()["default"]).get(task_id))


@contextmanager
def request_of(owner):
    tokens = tasks.requester.set(owner), trace.set(TRACE)
    try:
        yield
    finally:
        tasks.requester.reset(tokens[0])
        trace.reset(tokens[1])


@pytest.mark.parametrize("way", sorted(tasks.WAYS))
def test_a_child_inherits_owner_depth_and_trace(offload, way):
    with request_of("user:ada"):
        parent = tasks.enqueues.enqueue(way)

    offload.run()

    parent.refresh()
    child = record(parent.return_value).enqueued
    assert (child.owner, child.depth, child.traceparent) == ("user:ada", 1, TRACE)


@pytest.mark.parametrize("way", sorted(tasks.WAYS))
def test_progress_from_a_thread_is_stored(offload, way):
    reported, tracked = tasks.reports.enqueue(way), tasks.tracks.enqueue(way)

    offload.run()

    assert record(reported.id).progress == {"done": 3, "total": 7, "message": "from a thread"}
    assert record(tracked.id).progress == {"done": 3, "total": 3, "message": ""}


def test_a_chain_that_runs_away_in_threads_is_stopped(offload, monkeypatch):
    monkeypatch.setattr(enqueue, "MAX_DEPTH", 3)
    tasks.runs_away.enqueue("pool")

    assert offload.run() == 4


def test_a_pool_that_outlives_a_task_works_for_the_task_that_gives_it_a_call(offload):
    parents = {}
    for owner in ("user:ada", "user:bob"):
        with request_of(owner):
            parents[owner] = tasks.enqueues.enqueue("kept pool")

    offload.run()

    for owner, parent in parents.items():
        parent.refresh()
        assert record(parent.return_value).enqueued.owner == owner
    assert tasks.kept.submit(current).result() is None, "outside of a task"


def test_a_thread_that_outlives_its_task_gives_nobody_the_tasks_of_another(offload):
    parents = {}
    for owner in ("user:ada", "user:bob"):
        with request_of(owner):
            parents[owner] = tasks.enqueues_in_kept_threads.enqueue()

    offload.run()
    tasks.thread_pools.pop().terminate()

    owners = {}
    for owner, parent in parents.items():
        parent.refresh()
        child = record(parent.return_value).enqueued
        owners[owner] = child.owner
        assert child.depth == 1, "a chain that runs away through such a thread is stopped, too"
    assert owners == {"user:ada": "user:ada", "user:bob": None}


def test_a_thread_that_a_task_left_reports_nothing_and_its_children_have_no_owner(offload, monkeypatch):
    with request_of("user:ada"):
        parent = tasks.leaves_a_thread.enqueue()
    offload.run()
    store, written = offload.stores["contract"], []
    change = store.change
    monkeypatch.setattr(store, "change", lambda of, made: (written.append(of), change(of, made))[1])

    tasks.may_go_on.set()
    for thread in threading.enumerate():
        if thread.name == "left":
            thread.join(10)

    child = record(tasks.late_children.pop()).enqueued
    assert (child.owner, child.depth) == (None, 1)
    assert parent.id not in written


@pytest.mark.parametrize("way", ["thread", "pool"])
def test_tasks_side_by_side_have_children_of_their_own(offload, way):
    parents = {}
    for owner in ("user:ada", "user:bob"):
        with request_of(owner):
            parents[owner] = tasks.enqueues.using(queue_name="reports").enqueue(way)

    offload.run()

    for owner, parent in parents.items():
        parent.refresh()
        assert record(parent.return_value).enqueued.owner == owner


def test_what_a_receiver_enqueues_is_a_child_of_the_task(offload):
    children = []

    def react(task_result, **kwargs):
        if task_result.task.func is tasks.reports.func:
            children.append(tasks.child.enqueue().id)

    for signal in (signals.task_started, signals.task_finished):
        signal.connect(react)
    try:
        with request_of("user:ada"):
            tasks.reports.enqueue("thread")
        offload.run()
    finally:
        for signal in (signals.task_started, signals.task_finished):
            signal.disconnect(react)

    assert [(record(child).enqueued.owner, record(child).enqueued.depth) for child in children] == [
        ("user:ada", 1),
        ("user:ada", 1),
    ]


def test_an_owner_that_the_project_names_wins(offload):
    with running(OffloadContext(task_result=tasks.child.enqueue(), owner="user:ada")), request_of("user:eve"):
        child = tasks.child.enqueue()

    assert record(child.id).enqueued.owner == "user:eve"


def test_a_thread_of_a_task_is_freed_at_its_end(offload):
    class Large:
        """Something that a thread is started with."""

    large = Large()
    alive = weakref.ref(large)
    gc.disable()
    try:
        with running(OffloadContext(task_result=tasks.child.enqueue())):
            thread = threading.Thread(target=lambda given: None, args=(large,))
            thread.start()
            thread.join()
        del thread, large

        assert alive() is None
    finally:
        gc.enable()


def test_a_thread_is_started_once(offload):
    thread = threading.Thread(target=int)
    with running(OffloadContext(task_result=tasks.child.enqueue())):
        thread.start()
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
    thread.join()
    assert "run" not in vars(thread), "it refers to itself and keeps the task's context"


def test_a_call_that_is_given_to_a_pool_leaves_the_context_of_the_task_as_it_is(offload):
    pool = ThreadPoolExecutor(1)
    context = OffloadContext(task_result=tasks.child.enqueue())
    with running(context):
        assert pool.submit(current).result() is context
        assert current() is context
        pool.shutdown()
        with pytest.raises(RuntimeError, match="cannot schedule new futures"):
            pool.submit(current)
        assert current() is context


def test_threads_and_pools_are_prepared_once(offload):
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    pass_on_context()

    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (start, submit)


def test_of_two_threads_none_stores_less_progress_than_there_was(offload):
    sent = []
    context = OffloadContext(task_result=tasks.child.enqueue())
    first_is_sending, second_has_reported = threading.Event(), threading.Event()

    class Slow:
        def send(self, progress):
            if progress["done"] == 3:
                first_is_sending.set()
                second_has_reported.wait(0.2)
            sent.append(progress["done"])
            return False

    object.__setattr__(context, "reporter", Slow())
    first = threading.Thread(target=context.progress, args=(3, 3))
    first.start()
    first_is_sending.wait(10)
    second = threading.Thread(target=lambda: (context.progress(4, 4), second_has_reported.set()))
    second.start()
    first.join()
    second.join()

    assert sent == [3, 4]
