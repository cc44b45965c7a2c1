"""One event loop for the coroutines of a batch, while their deliveries wait in threads."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, cast

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from ..exceptions import DeadlineExceeded
from .forked import ThisProcess, end_child

# If a neighbour blocks the loop beyond a coroutine's deadline, its delivery stops waiting after this time.
GRACE_SECONDS = 0.5


class OneLoop(AbstractContextManager["OneLoop"]):
    """Runs in a thread of its own, from the first coroutine to the end of the block."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    def __exit__(self, *exc: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)
            # Without a limit, because Lambda ends a coroutine that still blocks the loop.
            self._thread.join()

    def run[T](self, begin: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
        """
        Run a coroutine beside others; return what it returns, or raise what it raises.

        Functions that it runs in threads run in this one, with its database connections. Raise
        DeadlineExceeded if the coroutine hasn't ended after `seconds`.
        """
        caller = CallersThread()
        future = asyncio.run_coroutine_threadsafe(outcome_of(begin, caller), self.start())
        try:
            caller.serve(future, max(seconds, 0.0) + GRACE_SECONDS)
        except Empty:
            future.cancel()
            raise DeadlineExceeded(seconds) from None
        value, exception = future.result()
        if exception is not None:
            raise exception
        return cast("T", value)

    def start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                ready = Future[asyncio.AbstractEventLoop]()
                self._thread = Thread(target=self._serve, args=(ready,), name="loop", daemon=True)
                self._thread.start()
                self._loop = ready.result()
            return self._loop

    def _serve(self, ready: Future[asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            loop.call_soon(ready.set_result, loop)
            while not self._ended:
                loop.run_forever()  # A coroutine that stops the loop must not stop its neighbours.

    def _end(self) -> None:
        self._ended = True
        asyncio.get_running_loop().stop()


# The loop of the current batch, or None if each coroutine runs in the thread of its delivery.
shared: ContextVar[OneLoop | None] = ContextVar("django_offload_loop", default=None)


async def outcome_of(begin: Callable[[], Coroutine[Any, Any, Any]], here: Executor) -> tuple[Any, Any]:
    """Return what a coroutine returned and what it raised: SystemExit must not end the shared loop."""
    try:
        async with ThreadSensitiveContext() as sensitive:
            SyncToAsync.context_to_thread_executor[sensitive] = here
            return await begin(), None
    except BaseException as exc:  # noqa: BLE001, raised again where the coroutine is waited for
        return None, exc


class CallersThread(Executor):
    """Runs functions in the thread that serves."""

    def __init__(self) -> None:
        self._calls = SimpleQueue[Callable[[], None] | None]()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = Future[Any]()
        self._calls.put(partial(run_call, future, partial(function, *args, **kwargs)))
        return future

    def serve(self, until: Future[Any], seconds: float) -> None:
        """Run submitted calls until a future is done. Raise Empty if that takes longer than `seconds`."""
        until.add_done_callback(lambda done: self._calls.put(None))
        ends = time.monotonic() + seconds
        while (call := self._calls.get(timeout=max(ends - time.monotonic(), 0.0))) is not None:
            call()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing, because the thread belongs to its delivery."""


def run_call(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    process = ThisProcess.mark
    try:
        try:
            answer = call()
        finally:
            if ThisProcess.mark is not process:
                end_child()
    except BaseException as exc:  # noqa: BLE001, raised again where it is awaited
        future.set_exception(exc)
    else:
        future.set_result(answer)
