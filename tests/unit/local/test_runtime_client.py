"""A task's lines are marked with its id."""

import io
import sys
from typing import Any

from django_offload.compat import TaskResult
from django_offload.definition.context import OffloadContext, running
from django_offload.local.lambda_.log_lines import MARK
from django_offload.local.lambda_.runtime_client import MarkedStream
from tests.contract import tasks

IN_TASK = f"{MARK}{'a' * 32}{MARK}"


def context() -> OffloadContext:
    """Return the context of a task whose id is all a."""
    enqueued_tasks = dict.fromkeys(("enqueued_at", "started_at", "finished_at", "last_attempted_at"))
    lists: dict[str, Any] = {"args": [], "kwargs": {}, "errors": [], "worker_ids": []}
    return OffloadContext(
        task_result=TaskResult(
            task=tasks.nothing, id="a" * 32, status="RUNNING", backend="default", **enqueued_tasks, **lists
        )
    )


def test_lines_are_marked_while_a_task_runs() -> None:
    stream = io.StringIO()
    marked_stream = MarkedStream(stream)

    print("before", file=marked_stream)
    with running(context()):
        print("one\ntwo", "three", file=marked_stream)
        print("\nfour", end="\n", file=marked_stream)
    print("after", file=marked_stream)

    assert stream.getvalue() == (
        f"before\n{IN_TASK}one\n{IN_TASK}two\n{IN_TASK} three\n{IN_TASK}\n{IN_TASK}four\nafter\n"
    )


def test_a_line_is_marked_once_however_it_is_written() -> None:
    stream = io.StringIO()
    marked_stream = MarkedStream(stream)

    with running(context()):
        marked_stream.writelines(["a", "", "b", "\n", "c\n"])

    assert stream.getvalue() == f"{IN_TASK}ab\n{IN_TASK}c\n"


def test_a_traceback_without_an_end_is_not_joined_to_the_next_line() -> None:
    stream = io.StringIO()
    marked_stream = MarkedStream(stream)

    marked_stream.write("[ERROR] failed\nTraceback:\nSyntaxError: no")
    marked_stream.write("[INFO] next\n")

    assert stream.getvalue() == "[ERROR] failed\nTraceback:\nSyntaxError: no\n[INFO] next\n"


def test_everything_else_is_the_streams_own() -> None:
    assert MarkedStream(sys.__stdout__).encoding == sys.__stdout__.encoding
