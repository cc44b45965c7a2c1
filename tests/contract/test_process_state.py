"""A task finds its process as it was before the first task, through the worker's handler."""

import gc
import json
import logging
import pickle
import random
import signal
import time
import weakref
from traceback import walk_tb

import pytest

from django_offload.worker.attempt import Attempt
from django_offload.worker.process_state import warn
from tests.contract import changing_tasks
from tests.contract import process_tasks as tasks
from tests.contract.process_site import changes_told, process_tasks_setting, work


@pytest.fixture(params=[1, 3])
def at_a_time(request):
    return request.param


one_by_one = pytest.mark.parametrize("at_a_time", [1], indirect=True)
side_by_side = pytest.mark.parametrize("at_a_time", [3], indirect=True)


@pytest.fixture
def site(settings, at_a_time, request):
    settings.TASKS = process_tasks_setting(at_a_time)
    tasks.blocks.clear()
    tasks.runs.clear()
    return request.getfixturevalue("offload")


def test_a_task_sees_nothing_of_the_context_of_another(site):
    before = tasks.context_now()

    answers = work(site, *(task.enqueue() for task in 4 * [tasks.change, tasks.change_on_the_loop]))

    assert answers == 8 * [before]
    assert tasks.context_now() == before


@pytest.mark.parametrize("how", tasks.WITH_BLOCKS)
def test_the_local_variables_of_a_failed_task_are_gone_before_the_next(site, at_a_time, how):
    gc.disable()
    logging.disable(logging.CRITICAL)  # pytest keeps what is logged, with its exceptions.
    try:
        failed, counts = [], []
        for task in (tasks.fail, tasks.fail_on_the_loop, tasks.fail_with_secret):
            failed.append(task.enqueue(how, **({"secret": "a long one"} if task.sensitive else {})))
            if at_a_time > 1:  # So that none counts what another still uses.
                site.run()
            counts.append(tasks.count_blocks.enqueue())
            if at_a_time > 1:
                site.run()
        assert work(site, *counts) == [0, 0, 0]
    finally:
        logging.disable(logging.NOTSET)
        gc.enable()
    work(site, *failed)
    assert {result.status for result in failed} == {"FAILED"}
    assert len(tasks.blocks) >= len(failed)


def test_nothing_of_an_attempt_waits_for_the_collector(site, monkeypatch):
    """Otherwise its arguments would, which may be large."""
    attempts, begin = [], Attempt.__init__

    def watched(attempt, *args):
        begin(attempt, *args)
        attempts.append(weakref.ref(attempt))

    monkeypatch.setattr(Attempt, "__init__", watched)
    gc.disable()
    logging.disable(logging.CRITICAL)
    try:
        results = [tasks.fail.enqueue("plain"), tasks.fail_with_secret.enqueue("plain", secret="a long one")]
        results += [
            tasks.fail_on_the_loop.enqueue("plain"),
            tasks.on_the_loop.enqueue(),
            tasks.seed.enqueue(),
        ]
        work(site, *results, tasks.step.enqueue("date"), tasks.report.enqueue())
        alive = [attempt() for attempt in attempts if attempt() is not None]
    finally:
        logging.disable(logging.NOTSET)
        gc.enable()

    assert len(attempts) == 8, "One was repeated."
    assert alive == []


def test_what_was_handled_before_a_task_keeps_its_traceback(site):
    def raise_here():
        mine = "mine"
        raise LookupError(mine)

    try:
        raise_here()
    except LookupError as exc:
        assert work(site, tasks.fail.enqueue("plain")) == [["LookupError"] * 2]
        frames = [frame for frame, _ in walk_tb(exc.__traceback__)]

    assert frames[-1].f_locals["mine"] == "mine"


@one_by_one
def test_what_a_task_changes_for_the_process_is_put_back_before_the_next(site, caplog):
    before = changing_tasks.state()
    warn.cache_clear()
    results = [
        (
            changing_tasks.change_process.enqueue(how),
            changing_tasks.change_process.enqueue(how),
            changing_tasks.look.enqueue(),
        )
        for how in changing_tasks.CHANGES
    ]
    site.run()

    expected = json.loads(json.dumps(before))
    for how, (first, second, look) in zip(changing_tasks.CHANGES, results, strict=True):
        for result in (first, second, look):
            result.refresh()
        assert (how, first.return_value, second.return_value) == (how, True, True)
        assert (how, look.return_value) == (how, expected)
    assert changing_tasks.state() == before
    told = changes_told(caplog)
    assert set(told) - {"os.environ (TZ)"} == {text for _, text in changing_tasks.CHANGES.values()}
    assert len(told) == len(set(told)), "It is said once."


@side_by_side
def test_what_tasks_change_beside_each_other_is_put_back_after_them(site, caplog):
    before = changing_tasks.state()
    warn.cache_clear()
    hows = ["variables", "a path", "handler", "umask", "silence", "settings", "streams"]

    assert work(site, *(changing_tasks.change_process.enqueue(how) for how in hows)).count(True) >= 1

    assert changing_tasks.state() == before
    assert {"the settings", "the umask", "sys.path"} <= set(changes_told(caplog))


@side_by_side
def test_what_tasks_changed_before_a_worker_was_killed_is_put_back(site):
    """As in a test: Lambda would start another process."""
    before = changing_tasks.state()
    results = [changing_tasks.change_process.enqueue("variables") for _ in range(3)]
    site.kill_next(after_work=True)

    work(site, *results)

    assert changing_tasks.state() == before


@pytest.mark.parametrize("how", ["off", "ignored", "timer", "and back"])
@one_by_one
def test_a_task_that_uses_sigalrm_keeps_its_time_limit(site, how):
    start = time.monotonic()

    assert work(site, tasks.use_alarm.enqueue(how)) == [["DeadlineExceeded"]]

    assert time.monotonic() - start < tasks.LONGEST / 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@one_by_one
def test_a_timer_of_the_test_goes_on(site):
    """As that of pytest-timeout."""
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *args: rang.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        work(site, tasks.nothing.enqueue(), tasks.use_alarm.enqueue("timer"))
        ends = time.monotonic() + tasks.LONGEST
        while not rang and time.monotonic() < ends:
            time.sleep(0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rang == [True]


@pytest.mark.parametrize("task", [tasks.fork, tasks.fork_on_the_loop], ids=["function", "coroutine"])
def test_a_forked_child_that_comes_back_ends_there(site, at_a_time, task):
    results = [task.enqueue(how) for how in ("returns", "raises", "exits")]

    assert work(site, *results) == [0, 1, 7]
    assert sorted(tasks.runs) == ["exits", "raises", "returns"]


@side_by_side
def test_a_child_that_was_forked_beside_the_loop_ends_there(site):
    results = [tasks.fork_beside_the_loop.enqueue(how) for how in ("returns", "raises", "exits")]

    assert work(site, *results) == [0, 1, 7]
    assert sorted(tasks.runs) == ["exits", "raises", "returns"]


def test_after_a_task_that_seeded_the_random_numbers_are_fresh(site, at_a_time):
    seeded = random.Random(1)
    first, second = seeded.random(), seeded.random()
    if at_a_time == 1:
        answers = work(site, *(task.enqueue() for task in 3 * [tasks.seed, tasks.draw]))
    else:
        answers = [answer for task in 3 * [tasks.seed, tasks.draw] for answer in work(site, task.enqueue())]

    assert answers[::2] == [first] * 3
    drawn = [numbers[0] for numbers in answers[1::2]]
    assert second not in drawn
    assert len(set(drawn)) == 3


@one_by_one
def test_a_task_that_goes_on_with_the_state_of_another_is_followed_by_a_fresh_seed(site):
    changing_tasks.states.clear()
    draw = [task.enqueue() for task in 3 * [changing_tasks.go_on_with_state, tasks.draw]]

    first, *others = work(site, *draw)

    assert others[1::2] == [first, first]
    assert len({first, *(numbers[0] for numbers in others[::2])}) == 4
    copied = pickle.loads(pickle.dumps(changing_tasks.states[0]))  # noqa: S301, our own
    assert copied == (*changing_tasks.states[0][:2], None)


@one_by_one
def test_a_task_that_seeded_nothing_leaves_the_random_numbers_alone(site):
    expected = random.Random(5)
    random.seed(5)

    work(site, tasks.nothing.enqueue())

    assert random.getstate() == expected.getstate()
    (answer,) = work(site, tasks.draw.enqueue())
    assert answer == [expected.random(), expected.gauss(0, 1), expected.gauss(0, 1)]


@one_by_one
def test_a_loop_that_a_task_closed_is_replaced(site):
    results = [tasks.close_loop.enqueue("run"), tasks.use_loop.enqueue(), tasks.use_loop.enqueue()]
    results += [tasks.close_loop.enqueue("closed"), tasks.use_loop.enqueue()]
    results += [tasks.on_the_loop.enqueue(), tasks.use_loop.enqueue()]

    assert work(site, *results) == [None, True, True, None, True, None, True]


@side_by_side
def test_a_coroutine_that_stops_the_loop_stops_none_of_its_neighbours(site):
    results = [
        tasks.stop_the_loop.enqueue(),
        tasks.sleep_on_the_loop.enqueue(),
        tasks.stop_the_loop.enqueue(),
    ]

    assert work(site, *results) == ["went on"] * 3
