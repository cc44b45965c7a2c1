"""Functions that run as on Lambda: in processes of AWS's own runtime client, one for each execution."""

import sys
import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from ..watchdog import Watchdog
from .deployed_variables import refused_variables
from .functions import Function
from .invoker import Invoker, Outcome, failed_outcome
from .log_lines import LogLine
from .worker_process import Log, WorkerProcess


def runtime_client_missing() -> str | None:
    """Return why AWS's runtime client can't run here, or None if it can."""
    if sys.platform != "linux":
        return "AWS's runtime client, awslambdaric, needs Linux"
    if find_spec("awslambdaric") is None:
        return 'awslambdaric isn\'t installed (install it with: pip install "django-offload[local]")'
    return None


class ProcessInvoker(Invoker):
    """
    Runs functions in processes, which it starts when they are needed, at most `concurrency` per function.

    If a process ends or is killed at its timeout, only its own invocation fails. All processes end with
    `close()`, and also if this process is killed.
    """

    def __init__(self, *, environment: Mapping[str, str], concurrency: int, log: Log = print) -> None:
        self._environment, self._concurrency, self._log = environment, concurrency, log
        self._watchdog = Watchdog()
        self._pools: dict[tuple[str, object], WorkerPool] = {}
        self._reported: set[tuple[str, str]] = set()  # Refused variables, by function and name.
        self._lock = threading.Lock()
        self._closed = False

    def invoke(self, function: Function, event: bytes) -> Outcome:
        with self._lock:
            if self._closed:
                return failed_outcome("Runtime.ExitError", "The functions on this machine are shutting down")
            # A running invocation keeps the code that it started with when new code is deployed.
            key = (function.name, function.code)
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = WorkerPool(self._concurrency)
        worker = pool.acquire(lambda: self._start_worker(function))
        try:
            return worker.invoke(event)
        finally:
            pool.release(worker)

    def _start_worker(self, function: Function) -> WorkerProcess:
        """Return a new worker, and log once which of the function's variables it doesn't get."""
        with self._lock:
            names = [
                name for name in refused_variables(function) if (function.name, name) not in self._reported
            ]
            self._reported |= {(function.name, name) for name in names}
        if names:
            text = (
                f"These deployed variables aren't set on this machine: {', '.join(names)}. They decide which "
                "code or programs run here. If you need them, set them before you start offload_local."
            )
            self._log(LogLine(function.name, text))
        return WorkerProcess(function, self._environment, self._watchdog, self._log)

    def reload(self) -> int:
        """Replace every process, busy ones after their invocation. Return how many are busy."""
        with self._lock:
            pools = list(self._pools.values())
        return sum(pool.reload() for pool in pools)

    def pids(self, function: str) -> list[int]:
        """Return the ids of a function's running processes, so that tests can kill them."""
        with self._lock:
            pools = [pool for (name, _), pool in self._pools.items() if name == function]
        return [pid for pool in pools for pid in pool.pids()]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        for pool in pools:
            pool.close()
        self._watchdog.close()


class WorkerPool:
    """The processes of one function."""

    def __init__(self, size: int) -> None:
        self._free = threading.Semaphore(size)
        self._idle: list[WorkerProcess] = []
        self._all: list[WorkerProcess] = []
        self._outdated: list[WorkerProcess] = []  # Busy workers whose code has changed since they started.
        self._lock = threading.Lock()

    def acquire(self, start_worker: Callable[[], WorkerProcess]) -> WorkerProcess:
        """Return the idle worker that was used last, or a new one. Wait while all workers are busy."""
        self._free.acquire()
        with self._lock:
            if not self._idle:
                self._all.append(start_worker())
                return self._all[-1]
            return self._idle.pop()

    def release(self, worker: WorkerProcess) -> None:
        with self._lock:
            outdated = worker in self._outdated
            if outdated:
                self._outdated.remove(worker)
                self._all.remove(worker)
            else:
                self._idle.append(worker)
        if outdated:
            worker.close()
        self._free.release()

    def reload(self) -> int:
        """Close idle workers now and busy workers on release. Return how many are busy."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._all = [worker for worker in self._all if worker not in idle]
            self._outdated = list(self._all)
        for worker in idle:
            worker.close()
        return len(self._outdated)

    def pids(self) -> list[int]:
        with self._lock:
            return [worker.pid for worker in self._all if worker.pid is not None]

    def close(self) -> None:
        with self._lock:
            workers = list(self._all)
        for worker in workers:
            worker.close()
