"""The answers of enqueue_many(): one per task, sent while Python iterates, with `for` and `async for`."""

import asyncio
import gc
from threading import get_ident

import pytest
from asgiref.sync import sync_to_async

from django_offload.compat import TASKS, signals
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
    for item in numbers(count, breaks=breaks):
        yield item


@pytest.fixture
def site(ours, request):
    return request.getfixturevalue("offload")


def received_from(answers):
    """Return the answers, and the exception that ended them, if any."""
    received = []
    try:
        received.extend(answers)
    except (Broken, TypeError) as exc:
        return received, exc
    return received, None


def received_async(answers):
    async def receive():
        received = []
        try:
            async for answer in answers:
                received.append(answer)
        except Broken as exc:
            return received, exc
        return received, None

    return asyncio.run(receive())


WAYS = {
    "sync": lambda count, **more: received_from(tasks.double.enqueue_many(numbers(count, **more))),
    "async": lambda count, **more: received_async(tasks.double.aenqueue_many(numbers(count, **more))),
    "async source": lambda count, **more: received_async(
        tasks.double.aenqueue_many(numbers_async(count, **more))
    ),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@EVERY_WAY
@pytest.mark.parametrize("count", [0, 1, MOST_TASKS - 1, MOST_TASKS, MOST_TASKS + 1, MANY])
def test_each_task_has_an_answer_in_the_order_of_the_arguments(site, way, count):
    answers, failure = way(count)

    assert failure is None
    assert [answer.args for answer in answers] == [[number] for number in range(count)]
    assert len({answer.id for answer in answers}) == count
    assert site.run() == count


@EVERY_WAY
@pytest.mark.parametrize("count", [0, 3, MOST_TASKS, MANY])
def test_an_exception_of_the_arguments_is_raised_after_the_answers_before_it(site, way, count):
    answers, failure = way(count, breaks=True)

    assert isinstance(failure, Broken)
    assert len(answers) == count
    assert site.run() == count


@pytest.mark.parametrize("wrong", [3, "text", [1, 2], None])
def test_an_item_that_is_neither_tuple_nor_dictionary_is_refused(site, wrong):
    answers, failure = received_from(tasks.double.enqueue_many([(1,), wrong, (2,)]))

    assert len(answers) == 1
    assert isinstance(failure, TypeError)
    assert str(failure) == (
        "enqueue_many() takes a tuple (positional arguments) or a dictionary (keyword arguments) for each "
        f"task, not {type(wrong).__name__}. Write [(1,), (2,)] to enqueue a task with 1 and one with 2."
    )
    assert site.run() == 1


def test_iterating_sends_the_tasks_a_hundred_at_a_time(site):
    consumed = []
    answers = tasks.double.enqueue_many((consumed.append(number) or (number,)) for number in range(MANY))

    assert (len(consumed), site.run()) == (0, 0)
    next(answers)
    assert (len(consumed), site.run()) == (MOST_TASKS, MOST_TASKS)


@pytest.mark.parametrize(
    ("name", "loop"), [("enqueue_many", "for"), ("aenqueue_many", "async for")], ids=["sync", "async"]
)
def test_a_caller_that_never_iterates_is_warned(site, name, loop):
    answers = [getattr(tasks.double, name)([(1,)])]

    with pytest.warns(
        RuntimeWarning, match=rf"^{name}\(\) enqueued nothing, because .* Write: {loop} answer in task\."
    ):
        answers.clear()

    assert site.run() == 0


@pytest.mark.filterwarnings("error")
def test_a_caller_may_stop_after_the_first_answer(site):
    for _ in tasks.double.enqueue_many(numbers(3)):
        break
    gc.collect()

    assert site.run() == 3


@pytest.mark.parametrize("backend", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
def test_other_backends_enqueue_one_by_one(settings, backend):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.{backend}"}}

    first, wrong, last = tasks.double.enqueue_many([(1,), (object(),), {"number": 2}])

    assert isinstance(wrong, TypeError)
    assert [first.args, last.kwargs] == [[1], {"number": 2}]
    assert first.status == ("SUCCESSFUL" if "Immediate" in backend else "READY")


def test_a_problem_of_the_task_itself_is_raised_at_once(site, settings):
    task = tasks.double.using(queue_name="reports")
    settings.TASKS = {"default": {**settings.TASKS["default"], "QUEUES": ["default"]}}

    with pytest.raises(Exception, match="Queue 'reports' is not valid"):
        task.enqueue_many([(1,)])


def test_tasks_are_sent_from_djangos_thread_for_blocking_code(site):
    """The transaction of that thread counts, as with aenqueue()."""
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
