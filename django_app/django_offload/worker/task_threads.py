"""
The threads of a task: what they report and enqueue belongs to the task.

A thread begins with an empty context, so without this progress() would find no task there, and the tasks that
it enqueues would have no parent. OpenTelemetry passes its context on in the same two places.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from threading import Thread
from typing import Any

from ..definition.context import OffloadContext, current_context


def pass_on_context() -> None:
    """Have threads and the calls of thread pools inherit the task of the code that starts them."""
    if not hasattr(Thread.start, "__wrapped__"):
        Thread.start = start_within(Thread.start)  # type: ignore[method-assign, assignment]
        ThreadPoolExecutor.submit = submit_within(ThreadPoolExecutor.submit)  # type: ignore[method-assign]


def start_within(start: Callable[[Thread], None]) -> Callable[[Thread], None]:
    """Return Thread.start() for a thread whose code runs within the task that starts it."""

    @wraps(start)
    def started(thread: Thread) -> None:
        context = current_context.get()
        if context is None or thread.ident is not None:  # It has been started, which Python refuses.
            start(thread)
            return
        run = thread.run  # Of any subclass.

        def run_within() -> None:
            del thread.run  # Otherwise the thread would refer to itself, and keep its arguments alive.
            current_context.set(context)
            run()

        thread.run = run_within  # type: ignore[method-assign]
        start(thread)

    return started


def submit_within(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    """Return ThreadPoolExecutor.submit() for a call that runs within the task that submits it."""

    @wraps(submit)
    def submitted(
        pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        context = current_context.get()
        if context is None:
            return submit(pool, function, *args, **kwargs)
        # The threads of a pool may serve other tasks later, so they inherit none.
        token = current_context.set(None)
        try:
            return submit(pool, call_within, context, function, args, kwargs)
        finally:
            current_context.reset(token)

    return submitted


def call_within(
    context: OffloadContext, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call a function within a task."""
    token = current_context.set(context)
    try:
        return function(*args, **kwargs)
    finally:
        current_context.reset(token)
