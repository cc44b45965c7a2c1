"""The answers of enqueue_many(): one per task, as they are asked for, in every way that Python iterates."""

import asyncio
import gc
from threading import get_ident

import pytest
from asgiref.sync import sync_to_async
from django.tasks import signals

from django_offload.definition.bulk_results import MOST_TASKS
from tests.unit import tasks

MANY = 2 * MOST_TASKS + 5


class Broken(Exception):
    """The source of arguments fails."""


def numbers(count, *, breaks=False):
    for number in range(count):
        yield (number,)
    if breaks:
        raise Broken


async def numbers_async(count, *, breaks=False):
    for given in numbers(count, breaks=breaks):
        yield given


@pytest.fixture
def site(ours, request):
    return request.getfixturevalue("offload")


def listed(answers):
    """Return the answers, and what ended them too soon."""
    found = []
    try:
        found.extend(answers)
    except (Broken, TypeError) as exc:
        return found, exc
    return found, None


def listed_async(answers):
    async def every():
        found = []
        try:
            async for answer in answers:
                found.append(answer)
        except Broken as exc:
            return found, exc
        return found, None

    return asyncio.run(every())


WAYS = {
    "sync": lambda count, **more: listed(tasks.double.enqueue_many(numbers(count, **more))),
    "async": lambda count, **more: listed_async(tasks.double.aenqueue_many(numbers(count, **more))),
    "async source": lambda count, **more: listed_async(
        tasks.double.aenqueue_many(numbers_async(count, **more))
    ),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@EVERY_WAY
@pytest.mark.parametrize("count", [0, 1, MOST_TASKS - 1, MOST_TASKS, MOST_TASKS + 1, MANY])
def test_an_answer_per_task_in_the_order_of_the_arguments(site, way, count):
    answers, failure = way(count)

    assert failure is None
    assert [answer.args for answer in answers] == [[number] for number in range(count)]
    assert len({answer.id for answer in answers}) == count
    assert site.run() == count


@EVERY_WAY
@pytest.mark.parametrize("count", [0, 3, MOST_TASKS, MANY])
def test_what_breaks_the_arguments_is_raised_after_what_came_before_is_answered(site, way, count):
    answers, failure = way(count, breaks=True)

    assert isinstance(failure, Broken)
    assert len(answers) == count
    assert site.run() == count


@pytest.mark.parametrize("wrong", [3, "text", [1, 2], None])
def test_an_item_that_is_neither_tuple_nor_dictionary_is_refused_with_a_sentence(site, wrong):
    answers, failure = listed(tasks.double.enqueue_many([(1,), wrong, (2,)]))

    assert len(answers) == 1
    assert isinstance(failure, TypeError)
    assert str(failure) == (
        "enqueue_many() takes a tuple (positional arguments) or a dictionary (keyword arguments) for each "
        f"task, not {type(wrong).__name__}. Write [(1,), (2,)] to enqueue a task with 1 and one with 2."
    )
    assert site.run() == 1


def test_nothing_leaves_before_an_answer_is_asked_for_and_then_a_hundred_at_a_time(site):
    taken = []
    answers = tasks.double.enqueue_many((taken.append(number) or (number,)) for number in range(MANY))

    assert (len(taken), site.run()) == (0, 0)
    next(answers)
    assert (len(taken), site.run()) == (MOST_TASKS, MOST_TASKS)


@pytest.mark.parametrize(
    ("name", "loop"), [("enqueue_many", "for"), ("aenqueue_many", "async for")], ids=["sync", "async"]
)
def test_whoever_never_asks_is_warned(site, name, loop):
    answers = [getattr(tasks.double, name)([(1,)])]

    with pytest.warns(RuntimeWarning, match=rf"^{name}\(\) enqueued nothing: .* {loop} answer in task\."):
        answers.clear()

    assert site.run() == 0


@pytest.mark.filterwarnings("error")
def test_whoever_asked_once_may_stop(site):
    for _ in tasks.double.enqueue_many(numbers(3)):
        break
    gc.collect()

    assert site.run() == 3


@pytest.mark.parametrize("backend", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
def test_other_backends_enqueue_one_by_one(settings, backend):
    settings.TASKS = {"default": {"BACKEND": f"django.tasks.backends.{backend}"}}

    first, wrong, last = tasks.double.enqueue_many([(1,), (object(),), {"number": 2}])

    assert isinstance(wrong, TypeError)
    assert [first.args, last.kwargs] == [[1], {"number": 2}]
    assert first.status == ("SUCCESSFUL" if "Immediate" in backend else "READY")


def test_what_is_wrong_with_the_task_is_raised_at_once(site, settings):
    task = tasks.double.using(queue_name="reports")
    settings.TASKS = {"default": {**settings.TASKS["default"], "QUEUES": ["default"]}}

    with pytest.raises(Exception, match="Queue 'reports' is not valid"):
        task.enqueue_many([(1,)])


def test_tasks_leave_from_djangos_thread_for_blocking_code(site):
    """As by aenqueue(): the transaction of that thread is the one that counts."""
    threads = []

    def note(sender, **kwargs):
        threads.append(get_ident())

    async def both():
        async for _ in tasks.double.aenqueue_many([(1,)]):
            threads.append(await sync_to_async(get_ident)())

    signals.task_enqueued.connect(note)
    try:
        asyncio.run(both())
    finally:
        signals.task_enqueued.disconnect(note)

    assert threads == [threads[0]] * 2
    assert threads[0] != get_ident()
