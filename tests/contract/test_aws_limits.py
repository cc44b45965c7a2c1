"""Nothing is accepted that no worker can take: what AWS refuses is refused early, and in memory too."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_offload.compat import InvalidTask
from django_offload.conf import Options, configured, signing_keys
from django_offload.exceptions import CallFailed, ConfigurationError, InvalidArguments
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.json_codec import MOST_LEVELS, load
from django_offload.protocol.message import Keyring, decode
from django_offload.protocol.transitions import create
from django_offload.stores.memory import MemoryStore
from django_offload.transports.memory import MemoryTransport
from tests.contract import limit_tasks as tasks
from tests.contract.records import NOW, new_id
from tests.contract.setup import STACK, tasks_setting

MODULES = ["tests.contract.limit_tasks"]
KEY_BYTES = 1_024 - len("step#")


@pytest.fixture(params=["memory", "lean"])
def site(request, settings):
    tasks.runs.clear()
    settings.TASKS = tasks_setting(modules=MODULES)
    return request.getfixturevalue("offload" if request.param == "memory" else "offload_aws")


def failure(site, result):
    site.run()
    result.refresh()
    assert result.status == "FAILED"
    return result.errors[-1].traceback


@pytest.mark.parametrize("key", ["", "a", "é" * (KEY_BYTES // 2), "a" * KEY_BYTES])
def test_a_step_takes_any_key_that_dynamodb_takes(site, key):
    result = tasks.take_step.enqueue(key)

    site.run()

    result.refresh()
    assert (result.return_value, tasks.runs) == (len(key), [len(key)])


def test_a_longer_key_fails_before_the_step_runs(site):
    said = failure(site, tasks.take_bad_step.enqueue(KEY_BYTES // 2 + 1))

    assert tasks.runs == []
    assert "of a step has 1,020 bytes, and the limit is 1,019. Give a shorter key" in said


@pytest.mark.parametrize("way", ["step", "atomic"])
def test_a_key_with_half_a_character_fails_before_the_step_runs(site, way):
    said = failure(site, tasks.take_half_step.enqueue(way))

    assert tasks.runs == []
    assert "The key 'order \\ud800' can't be stored, because character 7 of it is half of a" in said


@pytest.mark.parametrize("levels", [100, MOST_LEVELS])
def test_a_nested_return_value_is_read_as_it_was_returned(site, levels):
    result = tasks.nest.enqueue(levels)

    site.run()

    result.refresh()
    value, count = result.return_value, 1
    while value:
        (value,), count = value, count + 1
    assert count == levels


def test_a_return_value_that_is_nested_too_deeply_fails_the_task_once(site):
    said = failure(site, tasks.nest.enqueue(MOST_LEVELS + 1))

    assert tasks.runs == [MOST_LEVELS + 1]
    assert "return_value is nested more deeply than 400 levels" in said


@pytest.mark.parametrize("inner", [[], {"7": 1}], ids=["list", "dictionary with a key like a number"])
def test_arguments_are_nested_as_deeply_as_return_values(site, inner):
    value = inner
    for _ in range(MOST_LEVELS - 3):
        value = [value]
    result = tasks.echo.enqueue(value)
    site.run()
    result.refresh()
    assert result.args == [value]

    with pytest.raises(InvalidArguments, match=r"args\[0\] is nested too deeply. Pass a flatter value"):
        tasks.echo.enqueue([value])
    (refused,) = tasks.echo.enqueue_many([{"a": [value]}])
    assert "a is nested too deeply. Pass a flatter value" in str(refused)


def put(store, **attributes):
    task_id = new_id()
    store.change(task_id, create({"id": task_id, **attributes}))


PARTS = {
    "key": lambda store: store.put_part(new_id(), "step#" + "a" * KEY_BYTES + "b", "1", 2**31),
    "text": lambda store: store.put_part(new_id(), "step#a", "x" * 410_000, 2**31),
}


@pytest.mark.parametrize("refused", PARTS.values(), ids=PARTS)
def test_a_part_that_is_too_large_is_refused_by_every_store(store, refused):
    store.put_part(new_id(), "step#" + "a" * KEY_BYTES, "x" * 400_000, 2**31)

    with pytest.raises(Exception, match="ValidationException"):
        refused(store)


@pytest.mark.parametrize(
    "parts",
    [("a" * 2_049, "part"), ("", "part"), ("a", ""), ("a", "step#\ud800")],
    ids=["long id", "no id", "no part", "half a character"],
)
def test_the_memory_refuses_keys_that_dynamodb_refuses(parts):
    with pytest.raises(CallFailed, match="AWS refused UpdateItem"):
        MemoryStore().put_part(*parts, "text", 2**31)


@pytest.mark.parametrize(
    "attributes",
    [
        {"owner": "user:\ud800"},
        {"arguments": "x" * 410_000},
        {"workers": ["x" * 300_000, "x" * 110_000]},
        {"due_at": 10**38},
    ],
    ids=["half a character", "large text", "large list", "long number"],
)
def test_the_memory_refuses_records_that_dynamodb_refuses_and_keeps_the_old_one(attributes):
    store = MemoryStore()
    with pytest.raises(CallFailed, match="AWS refused UpdateItem"):
        put(store, **attributes)
    assert store.records == {}


@pytest.mark.parametrize("text", ["", "x" * 1_048_577, "\x00", "\ud800", "\ufffe"])
def test_the_memory_refuses_messages_that_sqs_refuses(text):
    transport = MemoryTransport(lambda: NOW)

    with pytest.raises(CallFailed, match="AWS refused SendMessage"):
        transport.send("default", text, NOW - NOW)
    assert transport.queues == {}


@pytest.mark.parametrize("key", ["", "é" * 513])
def test_the_memory_refuses_keys_that_s3_refuses(key):
    payloads = MemoryPayloads()
    payloads.put("é" * 512, b"")

    with pytest.raises(CallFailed, match="AWS refused PutObject with KeyTooLongError"):
        payloads.put(key, b"")


OWNERS = {"number": 7, "half a character": "user:\ud800", "long": "x" * 1_001, "long in bytes": "é" * 501}
owner: object = None


def current_owner():
    return owner


@pytest.mark.parametrize("wrong", OWNERS.values(), ids=OWNERS)
def test_an_owner_that_no_record_can_contain_is_refused(settings, request, monkeypatch, wrong):
    settings.TASKS = tasks_setting(modules=MODULES, owner=f"{__name__}.current_owner")
    offload = request.getfixturevalue("offload")
    for right in (None, "user:7", "é" * 500):
        monkeypatch.setattr(f"{__name__}.owner", right)
        result = tasks.echo.enqueue()
        assert offload.stores[STACK].records[result.id].get("owner") == right

    monkeypatch.setattr(f"{__name__}.owner", wrong)
    with pytest.raises(ConfigurationError, match=r"returned .*, which no record can contain\. Return a text"):
        tasks.echo.enqueue()


@pytest.mark.parametrize("queues", [["queue_1", "queue-1"], ["mail", "mail-dead"], ["failed-events"]])
def test_queues_that_would_be_one_resource_are_refused_without_aws(settings, queues):
    wanted = tasks_setting(modules=MODULES)["default"]

    with pytest.raises(ConfigurationError, match=r"would be one resource in AWS\. Rename one of them"):
        Options.parse("default", {**wanted, "QUEUES": ["default", *queues]})


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | TEXT
    | st.binary(max_size=3)
    | st.dates()
)
# Keys of which many become one text.
KEYS = TEXT | st.sampled_from([0, 1, "0", "1", True, "true", None, "null", 1.5, "1.5"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.tuples(inner)
        | st.builds(lambda levels, value: nested(value, levels), st.integers(1, 60), inner)
    ),
    max_leaves=6,
)


def nested(value, levels):
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.fixture
def memory(settings, request):
    settings.TASKS = tasks_setting(modules=MODULES)
    return request.getfixturevalue("offload")


@hypothesis_settings(
    max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(VALUES, max_size=3), st.dictionaries(TEXT.filter(str.isidentifier), VALUES, max_size=2))
def test_whatever_enqueue_accepts_the_worker_reads_as_the_caller_sees_it(memory, args, kwargs):
    queue = memory.transports[STACK].queues.get("default")
    if queue is not None:
        queue.messages.clear()
    try:
        result = tasks.echo.enqueue(*args, **kwargs)
    except InvalidTask:
        answers = tasks.echo.enqueue_many([tuple(args), kwargs])
        assert any(isinstance(answer, InvalidArguments) for answer in answers)
        return

    (body,) = [message.body for message in memory.transports[STACK].queues["default"].messages.values()]
    keyring = Keyring(signing_keys(), configured()["default"].scope("default"))
    arguments = load(decode(body, keyring).enqueued.arguments)
    assert arguments == [result.args, result.kwargs]
    # An equal number may be of another type: True == 1 == 1.0.
    assert repr(arguments) == repr([result.args, result.kwargs])


@pytest.mark.parametrize("year", [1, 2, 1969, 8_999, 9_000, 9_999])
def test_any_start_that_is_accepted_can_be_kept_and_read(memory, year):
    task = tasks.echo.using(run_after=datetime(year, 12, 31, tzinfo=timezone(timedelta(hours=-14))))
    if 1 < year < 9_000:
        result = task.enqueue("x" * 1_000)
        result.refresh()
        assert result.task.run_after == task.run_after
        if year < 2_000:
            assert memory.run() == 1
            result.refresh()
            assert result.return_value == [["x" * 1_000], {}]
    else:
        with pytest.raises(InvalidTask, match=f"is in the year {year}, .* Give a year between 1 and 9000"):
            task.enqueue()
