"""A web process that runs another version of a task's function than the workers."""

from dataclasses import replace
from typing import Any
from unittest import mock

from django_offload.definition.offload_task import AnyResult, OffloadTask
from django_offload.definition.registry import name_of, registry


def anything(*args: Any, **kwargs: Any) -> None:
    """Take the arguments that the other version took."""


def enqueued_by_older_code(task: OffloadTask, *args: Any, **kwargs: Any) -> AnyResult:
    """Enqueue a task with arguments that its function takes no longer, or not yet."""
    older = replace(task, func=anything, takes_context=False, sensitive=())
    with mock.patch.dict(registry()._tasks, {name_of(task): older}):
        return older.enqueue(*args, **kwargs)
