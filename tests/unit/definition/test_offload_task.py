"""OffloadTask and @task: options, names, and the same task under Django's own backends."""

import dataclasses
import pickle
from datetime import date, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django import VERSION
from django.utils import timezone
from django.utils.module_loading import import_string

import django_offload
from django_offload.compat import (
    TASKS,
    InvalidTask,
    InvalidTaskBackend,
    Task,
    TaskResultStatus,
    task_backends,
)
from django_offload.compat import task as django_task
from django_offload.definition.offload_task import OffloadTask, changed_options
from django_offload.definition.registry import name_of
from tests.contract import tasks as plain
from tests.unit import tasks

pytestmark = pytest.mark.usefixtures("ours")


def plain_task(function):
    """Return a Task of Django's own class, which has no defaults on Django 6.0."""
    return Task(func=function, priority=0, backend="default", queue_name="default", run_after=None)


def test_both_decorators_make_an_offload_task():
    for task in (plain.nothing, plain.nothing_async, tasks.double, tasks.count_async):
        assert type(task) is OffloadTask
        assert isinstance(task, Task)
    assert django_offload.task(tasks.double.func) == tasks.double


def test_a_task_has_the_defaults_of_django_and_of_this_library():
    task = tasks.double

    assert (task.priority, task.backend, task.queue_name, task.run_after) == (0, "default", "default", None)
    assert task.takes_context is False
    assert (task.max_attempts, task.backoff, task.timeout, task.result_ttl) == (None, 1.0, None, None)
    assert (task.retry_on, task.no_retry_on, task.aliases, task.sensitive) == ((), (), (), ())


def test_the_decorator_normalises_options():
    task = tasks.send

    assert (task.max_attempts, task.backoff) == (5, 0.5)
    assert (task.retry_on, task.no_retry_on) == ((OSError,), (FileNotFoundError,))
    assert (task.timeout, task.result_ttl) == (timedelta(seconds=20), timedelta(hours=1))
    assert (task.aliases, task.sensitive) == (("orders.mail",), ("card",))


def test_messages_use_the_stable_name():
    assert name_of(tasks.send) == tasks.send.name == "orders.send"
    assert name_of(tasks.double) == tasks.double.module_path == "tests.unit.tasks.double"
    assert tasks.double.name == "double"
    assert name_of(plain_task(tasks.double.func)) == "tests.unit.tasks.double"


def test_module_path_finds_the_task():
    assert import_string(tasks.count_async.module_path) is tasks.count_async


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_attempts": 0}, "max_attempts is 0. Give a whole number from 1 to 100."),
        ({"max_attempts": True}, "max_attempts is True. Give a whole number from 1 to 100."),
        ({"max_attempts": 2.0}, "max_attempts is 2.0. Give a whole number from 1 to 100."),
        ({"max_attempts": 101}, "max_attempts is 101. Give a whole number from 1 to 100."),
        ({"result_ttl": timedelta.max}, "Give 366 days or less."),
        ({"backoff": -1}, "backoff: -1 is negative. Give seconds or a timedelta."),
        ({"backoff": "1"}, "backoff: '1' is neither a number of seconds nor a timedelta."),
        ({"timeout": 0}, "timeout is 0. Give seconds or a timedelta above 0."),
        ({"timeout": -5}, "timeout: -5 is negative. Give seconds or a timedelta."),
        ({"result_ttl": "1 d"}, "result_ttl: '1 d' is neither a number of seconds nor a timedelta."),
        ({"retry_on": "OSError"}, "retry_on and no_retry_on take exception classes, not 'OSError'."),
        ({"no_retry_on": (OSError, 5)}, "retry_on and no_retry_on take exception classes, not 5."),
        ({"retry_on": int}, "retry_on and no_retry_on take exception classes, not <class 'int'>."),
        (
            {"sensitive": ("card", "pin")},
            "sensitive names card, pin, but tests.unit.tasks.double has no such parameters. Give names of",
        ),
    ],
)
def test_an_invalid_option_is_refused_by_the_decorator(options, message):
    with pytest.raises(InvalidTask) as raised:
        django_offload.task(**options)(tasks.double.func)

    assert message in str(raised.value)


def sign(text, /, *rest, key, **options):
    return text


@pytest.mark.parametrize("name", ["text", "rest", "key", "options"])
def test_an_argument_of_any_kind_can_be_sensitive(name):
    assert django_offload.task(sensitive=name)(sign).sensitive == (name,)


def test_an_unknown_option_is_refused():
    with pytest.raises(
        TypeError, match=r"@task doesn't take bind, max_attemps. It takes max_attempts, .*, sens"
    ):
        django_offload.task(max_attemps=3, bind=True)(tasks.double.func)


@pytest.mark.parametrize("decorator", [django_offload.task, django_task])
def test_the_decorator_refuses_run_after(decorator):
    # Django says this from 6.1 on, and ours on every Django.
    ours = "run_after cannot be defined statically with the @task decorator"
    says_so = decorator is django_offload.task or VERSION >= (6, 1)
    with pytest.raises(TypeError, match=ours if says_so else "'run_after'"):
        decorator(run_after=timezone.now())(tasks.double.func)


@pytest.mark.parametrize("decorator", [django_offload.task, django_task])
def test_a_function_that_is_not_at_module_level_is_refused(decorator):
    def inner():
        return None

    for function in (any, inner):
        with pytest.raises(InvalidTask, match="Task function must be defined at a module level"):
            decorator(function)


def test_the_context_must_be_the_first_argument():
    with pytest.raises(InvalidTask, match="does not have a first argument of 'context'"):
        django_offload.task(takes_context=True)(tasks.double.func)


def test_using_changes_options_on_a_copy():
    soon = timezone.now()

    changed = tasks.double.using(queue_name="reports", run_after=soon).using(
        max_attempts=4, backoff=2, timeout=5, result_ttl=60, retry_on=OSError, no_retry_on=KeyError
    )

    assert (changed.queue_name, changed.run_after) == ("reports", soon)
    assert tasks.double.using(backend="other").backend == "other"
    assert (changed.max_attempts, changed.backoff) == (4, 2)
    assert (changed.timeout, changed.result_ttl) == (timedelta(seconds=5), timedelta(seconds=60))
    assert (changed.retry_on, changed.no_retry_on) == ((OSError,), (KeyError,))
    assert (tasks.double.queue_name, tasks.double.run_after, tasks.double.max_attempts) == (
        "default",
        None,
        None,
    )


def test_using_nothing_makes_an_equal_copy():
    copy = tasks.send.using()

    assert copy == tasks.send
    assert copy is not tasks.send
    assert name_of(copy) == "orders.send"


NAMES = {"number": 7, "long": "x" * 501, "long in bytes": "é" * 251, "half a character": "shop\ud800"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_that_no_record_can_contain_is_refused(name):
    for options in ({"name": name}, {"aliases": [name]}):
        with pytest.raises(
            InvalidTask, match=r"A task can't be called .*\. Give a name of at most 500 bytes"
        ):
            django_offload.task(**options)(tasks.double.func)
    assert django_offload.task(name="é" * 250)(tasks.double.func).stable_name == "é" * 250


@pytest.mark.parametrize(
    "run_after", [date(2027, 1, 1), "tomorrow", 5, timedelta(1)], ids=lambda value: type(value).__name__
)
def test_a_start_that_is_no_datetime_is_refused(run_after):
    with pytest.raises(InvalidTask, match=r"run_after is .*\. Give a datetime, with a time zone"):
        tasks.double.using(run_after=run_after)


@pytest.mark.parametrize("option", ["timeout", "backoff", "result_ttl"])
@pytest.mark.parametrize("value", [float("inf"), 1e300, 10**400, timedelta.max])
def test_a_duration_that_no_worker_can_compute_with_is_refused(option, value):
    with pytest.raises(InvalidTask, match=rf"{option} is \d+ days, .*\. Give (36,500|366) days or less"):
        tasks.double.using(**{option: value})


@pytest.mark.parametrize("option", ["timeout", "backoff", "result_ttl"])
def test_a_duration_that_is_no_number_is_refused(option):
    with pytest.raises(InvalidTask, match=f"{option}: "):
        tasks.double.using(**{option: float("nan")})


def test_the_longest_durations_reach_the_worker(ours, offload):
    longest = timedelta(days=36_500)
    result = tasks.double.using(timeout=longest, backoff=longest).enqueue(4)

    offload.run()

    result.refresh()
    assert (result.return_value, result.task.timeout, result.task.backoff) == (8, longest, longest)


def test_using_names_an_unknown_option():
    with pytest.raises(TypeError, match=r"using\(\) doesn't take atempts. It takes max_attempts, backoff,"):
        tasks.double.using(atempts=3)


def test_using_refuses_options_that_the_backend_does_not_support():
    with pytest.raises(InvalidTask, match="Backend does not support setting priority of tasks"):
        tasks.double.using(priority=10)
    with pytest.raises(InvalidTask, match="Queue 'queue-2' is not valid for backend"):
        tasks.double.using(queue_name="queue-2")
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        tasks.double.using(run_after=datetime.now())  # noqa: DTZ005
    with pytest.raises(InvalidTaskBackend, match="The connection 'unknown' doesn't exist"):
        tasks.double.using(backend="unknown")


@pytest.mark.parametrize("priority", [-101, 101, 3.1])
def test_a_priority_of_any_kind_is_refused(priority):
    with pytest.raises(InvalidTask, match="Backend does not support setting priority of tasks"):
        tasks.double.using(priority=priority)


def test_a_backend_that_cannot_be_found_is_named(settings):
    settings.TASKS = {**settings.TASKS, "missing": {"BACKEND": "does.not.exist"}}

    with pytest.raises(InvalidTaskBackend, match=r"Could not find backend 'does\.not\.exist'"):
        tasks.double.using(backend="missing")


def test_a_task_can_be_pickled():
    for task in (tasks.double, tasks.send, tasks.send.using(timeout=3, queue_name="reports"), plain.nothing):
        assert pickle.loads(pickle.dumps(task)) == task  # noqa: S301


@pytest.mark.parametrize("task", [tasks.patient, tasks.impatient, tasks.patient.using(max_attempts=2)])
def test_a_task_whose_backoff_is_a_lambda_can_be_pickled(task):
    assert pickle.loads(pickle.dumps(task)) == task  # noqa: S301


def test_a_second_task_of_a_function_with_its_own_backoff_needs_a_name(ours, offload):
    with pytest.raises(InvalidTask) as refusal:
        tasks.impatient.enqueue()

    assert str(refusal.value) == (
        "impatient is another task of the function of tests.unit.tasks.patient, under the same name, so a "
        "worker wouldn't use its backoff. Give it a name of its own: @task(name=...)."
    )
    with pytest.raises(
        InvalidTask, match=r"A message can't contain a callable backoff\. Give it to the deco"
    ):
        tasks.patient.using(backoff=lambda attempt: 1).enqueue()


def test_a_result_can_be_pickled_and_turned_into_a_dictionary(offload):
    result = tasks.double.enqueue(4)
    offload.run()
    result.refresh()

    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301
    assert dataclasses.asdict(result)["args"] == [4]


@pytest.mark.parametrize("path", ["does.not.exist.fake", "builtins.any"])
def test_a_pickle_of_anything_else_is_refused(path):
    with pytest.raises(ValueError, match=f"Expected '{path}' to point to a Task instance"):
        OffloadTask._reconstruct({"func": path})


def test_call_runs_the_function_here():
    assert tasks.double.call(4) == 8
    assert async_to_sync(tasks.double.acall)(4) == 8
    assert tasks.count_async.call(3) == 3
    assert async_to_sync(tasks.count_async.acall)(3) == 3


def test_call_passes_a_local_context():
    assert tasks.count.call(3) == [1, False, True]
    assert async_to_sync(tasks.count.acall)(total=3) == [1, False, True]


def test_delay_is_enqueue(offload):
    result = tasks.double.delay(21)

    offload.run()

    result.refresh()
    assert result.return_value == 42


def test_options_changed_by_using_are_json_values():
    changed = tasks.send.using(max_attempts=9, timeout=3, result_ttl=timedelta(days=1), retry_on=KeyError)

    assert changed_options(changed, tasks.send) == {
        "max_attempts": 9,
        "timeout": 3.0,
        "result_ttl": 86400.0,
        "retry_on": ["builtins.KeyError"],
    }
    assert changed_options(tasks.send, tasks.send) == {}


def test_a_message_cannot_contain_a_callable_backoff():
    with pytest.raises(InvalidTask, match="Give it to the decorator, or give a number here"):
        changed_options(tasks.send.using(backoff=lambda attempt: attempt), tasks.send)
    assert changed_options(tasks.patient.using(timeout=1), tasks.patient) == {"timeout": 1.0}


@pytest.fixture(params=["immediate.ImmediateBackend", "dummy.DummyBackend"])
def djangos(request, settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.{request.param}", "QUEUES": []}}
    return task_backends["default"]


@pytest.mark.parametrize("task", [tasks.count, tasks.count_async, tasks.send, tasks.patient])
def test_the_same_task_is_valid_under_djangos_backends(djangos, task):
    defined = django_offload.task(takes_context=task.takes_context, max_attempts=3, backoff=2)(task.func)

    assert type(defined) is OffloadTask
    assert defined.get_backend() is djangos
    djangos.validate_task(defined)


def test_the_immediate_backend_runs_a_task_with_its_context(settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend", "QUEUES": []}}

    result, asynchronous = tasks.count.enqueue(2), tasks.count_async.enqueue(2)

    assert result.status == TaskResultStatus.SUCCESSFUL, result.errors
    assert result.return_value == [1, False, True]
    assert asynchronous.return_value == 2
    assert tasks.follow.enqueue(["a", "b"]).return_value == ["a", "b"]


def test_the_dummy_backend_stores_a_task(settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend", "QUEUES": []}}

    result = tasks.count.delay(2)

    assert task_backends["default"].results == [result]
    assert tasks.count.get_result(result.id) == result


def test_our_backend_runs_a_plain_task_with_defaults(offload):
    result = task_backends["default"].enqueue(plain_task(plain.answer.func), [], {})

    offload.run()

    assert task_backends["default"].get_result(result.id).return_value == 42


def test_the_public_names_are_importable():
    for name in django_offload.__all__:
        assert getattr(django_offload, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = django_offload.nothing
