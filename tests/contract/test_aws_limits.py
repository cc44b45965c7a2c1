"""Nothing is accepted that no worker can take: what AWS refuses is refused early, and in memory too."""

from datetime import datetime, timedelta, timezone

import pytest
from django.utils.translation import gettext_lazy

from django_offload.compat import InvalidTask
from django_offload.conf import Options
from django_offload.exceptions import CallFailed, ConfigurationError, InvalidArguments, StepTooLarge
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.json_codec import MOST_LEVELS
from django_offload.protocol.record import PART_BYTES
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


@pytest.mark.parametrize("way", ["step", "atomic"])
@pytest.mark.parametrize(
    "key", [1, True, None, 1.0, b"a", gettext_lazy("a")], ids=lambda key: type(key).__name__
)
@pytest.mark.parametrize("place", ["memory", "here"])
def test_a_key_that_is_no_text_is_refused_because_it_could_be_another_as_text(memory, way, key, place):
    kind = type(key).__name__
    if place == "here":
        with pytest.raises(TypeError, match=f"is of type {kind}, and as text it could be another key"):
            tasks.take_any_step.call(way, key)
    else:
        tasks.keys[:] = [key]
        said = failure(memory, tasks.take_kept_step.enqueue(way))
        assert f"is of type {kind}, and as text it could be another key. Give a text" in said
    assert tasks.runs == []


def test_a_step_that_is_too_large_is_refused_where_the_task_is_called(memory):
    with pytest.raises(StepTooLarge, match="returned 300,002 bytes as JSON, and the limit is 300,000"):
        tasks.take_large_step.call(300_000)
    assert tasks.take_large_step.call(299_998) == 299_998


# As JSON: what a message and a part can carry, one byte more, and more than an item and a message can carry.
TEXTS = {
    "300,000 bytes": "x" * (PART_BYTES - len('[[""],{}]')),
    "300,001 bytes": "x" * (PART_BYTES - len('[[""],{}]') + 1),
    "262,145 bytes": "x" * 262_145,
    "over 400 KB of two bytes": "é" * 70_000,
    "over 1 MB of four bytes": "\U0001f600" * 90_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_of_any_size_is_carried_there_and_back(site, text):
    result = tasks.echo.enqueue(text)
    many = list(tasks.echo.enqueue_many([(text,), (text,)]))

    site.run()

    for one in (result, *many):
        one.refresh()
        assert (one.args, one.return_value) == ([text], [[text], {}])


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
        {"due_at": 10**38 + 1},
        {"due_at": 10**126},
        {"alias": ""},
        {"alias": "x" * 2_049},
        {"x" * 410_000: ""},
    ],
    ids=[
        "half a character",
        "large text",
        "large list",
        "long number",
        "large number",
        "empty key of an index",
        "long key of an index",
        "long name",
    ],
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


@pytest.fixture
def memory(settings, request):
    tasks.runs.clear()
    settings.TASKS = tasks_setting(modules=MODULES)
    return request.getfixturevalue("offload")


def test_what_is_changed_after_enqueue_is_not_sent(memory):
    items, options = [1], {"a": [2]}
    result = tasks.echo.enqueue(items, **options)
    items.append(3)
    options["a"].append(4)

    memory.run()

    assert (result.args, result.kwargs) == ([[1]], {"a": [2]})
    result.refresh()
    assert result.return_value == [[[1]], {"a": [2]}]


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
