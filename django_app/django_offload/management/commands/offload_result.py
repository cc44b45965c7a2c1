"""manage.py offload_result: one task, as its record tells."""

import json
from collections.abc import Mapping
from inspect import signature
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...conf import stacks
from ...definition import OffloadTask
from ...exceptions import UnknownTask
from ...http.status import status_of
from ...record import ARGUMENTS_PART, TaskRecord, read
from ...registry import registry
from ...stores import store_of
from ..base import FINE, OffloadCommand

HIDDEN = "********"


class Command(OffloadCommand):
    """Print a task's record: state, times, arguments (sensitive ones hidden), result or error."""

    help = "Show one task by its id: state, attempts, arguments, result or error with traceback."
    example: ClassVar[str] = "manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="The id of the task: 32 hexadecimal digits.")

    def answer(self, **options: Any) -> int:
        record, parts = self._find(options["id"])
        status = status_of(record, parts, traceback=True)
        status |= {
            "owner": record.birth.owner,
            "worker_ids": record.worker_ids,
            **shown_arguments(record, parts),
        }
        self.data(status)
        error = status.pop("error", None)
        for key, value in status.items():
            if value is not None:
                self.line(f"{key:<13} {value if isinstance(value, str) else json.dumps(value)}")
        if error:
            self.line(f"{'error':<13} {error['class']}: {error['message']}")
            self.line(error["traceback"])
        return FINE

    def _find(self, task_id: str) -> tuple[TaskRecord, Mapping[str, str]]:
        for options in stacks():
            attributes, parts = store_of(options).parts(task_id)
            if attributes is not None:
                return read(attributes), parts
        raise self.wrong(f"There is no task of id {task_id}. Check the id; results are kept for result_ttl.")


def shown_arguments(record: TaskRecord, parts: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a record, those that its task calls sensitive hidden."""
    args, kwargs = json.loads(parts.get(ARGUMENTS_PART, record.birth.arguments))
    try:
        task = registry().resolve(record.birth.name)
    except UnknownTask:
        # Which of them are sensitive, nobody knows any more.
        return {"args": [HIDDEN] * len(args), "kwargs": dict.fromkeys(kwargs, HIDDEN)}
    sensitive = set(task.sensitive) if isinstance(task, OffloadTask) else set()
    names = list(signature(task.func).parameters)[1 if task.takes_context else 0 :]
    shown = [HIDDEN if name in sensitive else value for name, value in zip(names, args, strict=False)]
    return {
        "args": shown + [HIDDEN if sensitive else value for value in args[len(names) :]],
        "kwargs": {name: HIDDEN if name in sensitive else value for name, value in kwargs.items()},
    }
