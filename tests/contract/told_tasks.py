"""Tasks whose results signals and contexts tell."""

from datetime import timedelta
from typing import Any

from django_offload import task
from django_offload.definition.context import OffloadContext

BACKOFF = timedelta(seconds=60)


@task(max_attempts=3, backoff=BACKOFF)
def work(*args: Any, **kwargs: Any) -> int:
    return len(args)


@task(max_attempts=3, backoff=BACKOFF, takes_context=True)
def counts_errors(context: OffloadContext) -> list[str]:
    errors = [error.exception_class_path for error in context.task_result.errors]
    if len(errors) < 2:
        raise ValueError("not yet")
    return errors
