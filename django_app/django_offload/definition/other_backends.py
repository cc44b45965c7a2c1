"""What a task's methods do with a backend of another package, such as Django's own."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from .bulk_results import Arguments, split_arguments
from .offload_task import AnyResult, AnyTask


def enqueue_on_commit(task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AnyResult | None:
    """Enqueue at the commit, and return None; outside a transaction at once, and return the result."""
    if not transaction.get_connection().in_atomic_block:
        return task.enqueue(*args, **kwargs)
    transaction.on_commit(partial(task.enqueue, *args, **kwargs))
    return None


def enqueue_one_by_one(task: AnyTask, arguments: Iterable[Arguments]) -> Iterator[AnyResult | Exception]:
    """Do what enqueue_many() does, for a backend that has no bulk."""
    for item in arguments:
        args, kwargs = split_arguments(item)
        try:
            answer = task.enqueue(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001, the exception is the answer
            yield exc
        else:
            yield answer
