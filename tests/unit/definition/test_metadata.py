"""Metadata of a task: what may be in it, and who may change it."""

import pickle

import pytest

from django_offload.compat import TASKS, InvalidTask
from django_offload.definition.offload_task import task
from tests.unit import tasks

ENDLESS: dict[str, object] = {}
ENDLESS["self"] = ENDLESS


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ("text", "metadata is of type str. Give a dictionary."),
        ([1], "metadata is of type list. Give a dictionary."),
        ({"when": {1, 2}}, r"metadata can't be stored as JSON \(TypeError\). Give a dictionary of texts"),
        ({"rate": float("nan")}, r"metadata can't be stored as JSON \(ValueError\)"),
        (ENDLESS, r"metadata can't be stored as JSON \(RecursionError\)"),
        ({1: "a"}, "JSON makes another value of metadata. Use texts as keys, and lists instead of tuples."),
        ({"pair": (1, 2)}, "JSON makes another value of metadata"),
        ({"note": "x" * 290}, "metadata has 301 bytes as JSON, and the limit is 300. Store more in your"),
        ({"note": "ü" * 50}, "metadata has 311 bytes as JSON"),
    ],
)
def test_what_no_record_can_keep_is_refused_by_using(metadata, problem):
    with pytest.raises(InvalidTask, match=problem):
        tasks.double.using(metadata=metadata)


def test_using_copies_it():
    metadata = {"note": "x" * 289, "of": {}}
    metadata["note"] = "x" * 281
    changed = tasks.double.using(metadata=metadata)
    metadata["of"]["more"] = 1

    assert changed.metadata == {"note": "x" * 281, "of": {}}
    assert tasks.double.metadata is None
    assert pickle.loads(pickle.dumps(changed)) == changed != tasks.double  # noqa: S301
    assert hash(changed) == hash(tasks.double.using(metadata={}))


def test_it_belongs_to_one_call_and_not_to_the_definition():
    with pytest.raises(TypeError, match="@task doesn't take metadata"):
        task(metadata={"a": 1})(tasks.double.func)


@task(takes_context=True)
def noted(context):
    context.metadata["seen"] = True
    context.save_metadata()
    return context.metadata


def test_call_and_another_backend_give_the_function_its_metadata(settings):
    asked = noted.using(metadata={"a": [1]})

    assert asked.call() == {"a": [1], "seen": True}
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}
    assert asked.enqueue().return_value == {"a": [1], "seen": True}
    assert asked.metadata == {"a": [1]}
    assert noted.call() == {"seen": True}
