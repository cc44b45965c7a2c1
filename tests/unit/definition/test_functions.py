"""What can't be a task is refused by the decorator, and a task that is called says how to enqueue it."""

import asyncio
import functools
import re

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.template import Context, Template

from django_offload import task
from django_offload.compat import InvalidTask
from django_offload.compat import task as django_task
from tests.contract.setup import tasks_setting
from tests.unit import argument_tasks as tasks

DJANGOS_SENTENCE = "Task function must be defined at a module level. "
CALLS_IT = "Write a function with def that calls it, and put @task above that function."


def plain(number):
    return number


def rows():
    yield 1


async def pages():
    yield 1


def undecorated(function):
    def wrapper(*args):
        return function(*args)

    return wrapper


class Shop:
    def send(self):
        return None

    @staticmethod
    def close():
        return None

    @classmethod
    def open(cls):
        return None

    def __call__(self):
        return None


def outer():
    def inner():
        return None

    return inner


class CeleryTask:
    """As Celery's are."""

    __module__ = "celery.app.task"

    def __call__(self):
        return None


REFUSED = {
    "a partial": (
        functools.partial(plain, 1),
        f"{DJANGOS_SENTENCE}This is a partial of plain, which has no name of its own. {CALLS_IT}",
    ),
    "a partial of an object": (
        functools.partial(Shop(), 1),
        f"{DJANGOS_SENTENCE}This is a partial of Shop, wh",
    ),
    "a task": (
        tasks.two,
        "tests.unit.argument_tasks.two is a task already. Keep one @task above its function, with all the "
        "options.",
    ),
    "a callable object": (Shop(), f"{DJANGOS_SENTENCE}This is an object of class Shop. {CALLS_IT}"),
    "a cached function": (
        functools.cache(plain),
        f"{DJANGOS_SENTENCE}This is an object of class _lru_cache_wrapper. {CALLS_IT}",
    ),
    "a class": (Shop, f"{DJANGOS_SENTENCE}Shop is a class. {CALLS_IT}"),
    "a bound method": (Shop().send, f"{DJANGOS_SENTENCE}Shop.send is a method of an object. {CALLS_IT}"),
    "a class method": (Shop.open, f"{DJANGOS_SENTENCE}Shop.open is a method of an object. {CALLS_IT}"),
    "a static method": (
        vars(Shop)["close"],
        f"{DJANGOS_SENTENCE}Shop.close is a function of a class. Move it out of the class.",
    ),
    "a function of a class": (
        Shop.send,
        "Shop.send is a function of a class, and a worker has no object to call it on. Move it out of the "
        "class, and give it a primary key.",
    ),
    "a built-in": (len, f"{DJANGOS_SENTENCE}len is built in. {CALLS_IT}"),
    "a nested function": (
        outer(),
        f"{DJANGOS_SENTENCE}inner is inside outer(). Move it out. If outer is a decorator, use "
        "functools.wraps() in it.",
    ),
    "a decorator without wraps()": (
        undecorated(plain),
        f"{DJANGOS_SENTENCE}wrapper is inside undecorated(). Move it out. If undecorated is a decorator, use "
        "functools.wraps() in it.",
    ),
    "a lambda": (
        lambda: 1,
        "A lambda can't be a task, because a worker finds a task by its name. Write a function with def.",
    ),
    "a generator": (
        rows,
        "tests.unit.definition.test_functions.rows is a generator, so a call runs nothing of it. Remove its "
        "yield, and return a list.",
    ),
    "an asynchronous generator": (
        pages,
        "tests.unit.definition.test_functions.pages is an asynchronous generator, so a call runs nothing of ",
    ),
    "Celery's task": (
        CeleryTask(),
        f"{DJANGOS_SENTENCE}This is a task of Celery. Remove Celery's decorator from its function.",
    ),
    "text": ("orders.send", f"{DJANGOS_SENTENCE}This is of type str. Give options by name: @task(name=...)."),
    "empty text": ("", f"{DJANGOS_SENTENCE}This is of type str. Give options by name: @task(name=...)."),
}


@pytest.fixture(autouse=True)
def site(settings, request):
    settings.TASKS = tasks_setting(modules=["tests.unit.argument_tasks"])
    return request.getfixturevalue("offload")


@pytest.mark.parametrize("decorator", [task, task(max_attempts=2)], ids=["bare", "with options"])
@pytest.mark.parametrize(("func", "message"), REFUSED.values(), ids=REFUSED)
def test_what_no_worker_could_run_is_refused(decorator, func, message):
    with pytest.raises(InvalidTask, match=f"^{re.escape(message)}"):
        decorator(func)


def test_djangos_own_decorator_refuses_the_same():
    with pytest.raises(InvalidTask, match="two is a task already"):
        django_task(tasks.two)
    with pytest.raises(InvalidTask, match="This is a partial of plain"):
        django_task(functools.partial(plain, 1))


def labelled(number):
    return number


labelled.__name__ = "orders: labelled"  # As libraries do that show the name.


@pytest.mark.parametrize("func", [plain, labelled, tasks.wrapped.func, tasks.later.func])
def test_a_function_of_a_module_is_a_task(func):
    assert task(func).func is func


@pytest.mark.parametrize(
    ("called", "args", "kwargs", "enqueue", "call"),
    [
        (tasks.two, (1, 2), {}, "two.enqueue(1, 2)", "two.call(1, 2)"),
        (tasks.two, (), {"first": "a"}, "two.enqueue(first='a')", "two.call(first='a')"),
        (tasks.two, (), {}, "two.enqueue(...)", "two.call(...)"),
        (tasks.two, ([1], None, True), {"x": {1}}, "two.enqueue(..., None, True, x=...)", "two.call("),
        (tasks.two, ("x" * 99,), {}, "two.enqueue('xxxxxxxxxxxx...xxxxxxxxxxxxx')", "two.call("),
        (tasks.pay, ("4111",), {"pin": "1"}, "pay.enqueue(...)", "pay.call(...)"),
        (tasks.later, (1,), {}, "await later.aenqueue(1)", "await later.acall(1)"),
    ],
)
def test_to_call_a_task_says_how_to_enqueue_it(called, args, kwargs, enqueue, call):
    with pytest.raises(TypeError) as raised:
        called(*args, **kwargs)

    name = called.func.__name__
    start = f"{name} is a task, so {name}() doesn't run it. Use {enqueue} to run it in a worker, or {call}"
    assert str(raised.value).startswith(start)
    assert str(raised.value).endswith("to run it here.")


def test_a_template_shows_a_task_and_does_not_call_it():
    text = Template("{{ task.name }} {{ result.task.queue_name }}").render(
        Context({"task": tasks.two, "result": tasks.two.enqueue(1)})
    )

    assert text == "two default"


BLOCKING = {
    "enqueue": (lambda: tasks.two.enqueue(1), "Use await two.aenqueue(...), or call it in another thread"),
    "delay": (lambda: tasks.two.delay(1), "Use await two.aenqueue(...), or call it in another thread"),
    "enqueue_many": (
        lambda: list(tasks.two.enqueue_many([(1,)])),
        "Use async for answer in two.aenqueue_many(...), or call it in another thread",
    ),
}


@pytest.mark.parametrize(("call", "advice"), BLOCKING.values(), ids=BLOCKING)
def test_the_event_loop_is_not_blocked(site, call, advice):
    async def view():
        call()

    with pytest.raises(SynchronousOnlyOperation) as raised:
        asyncio.run(view())

    assert str(raised.value).startswith("two.enqueue")
    assert "would block the event loop of this thread until AWS answers. " in str(raised.value)
    assert advice in str(raised.value)
    assert site.run() == 0


def test_another_thread_and_the_asynchronous_calls_do_not_block_it(site):
    async def view():
        await tasks.two.aenqueue(1)
        await sync_to_async(tasks.two.enqueue)(2)
        return [answer async for answer in tasks.two.aenqueue_many([(3,), (4,)])]

    assert [answer.args for answer in asyncio.run(view())] == [[3], [4]]
    assert site.run() == 4


def test_djangos_variable_allows_to_block_it(site, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

    async def notebook():
        return tasks.two.enqueue(1)

    assert asyncio.run(notebook()).args == [1]


def test_call_of_an_async_task_in_an_event_loop_names_acall():
    async def view():
        assert await tasks.later.acall(5) == 5
        return tasks.later.call(5)

    with pytest.raises(
        RuntimeError, match=r"^later\.call\(\) can't wait.+ Use await later\.acall\(\.\.\.\)\.$"
    ):
        asyncio.run(view())
    assert tasks.later.call(5) == 5
