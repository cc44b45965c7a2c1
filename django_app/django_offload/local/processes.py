"""Functions run as on Lambda: in processes of AWS's own runtime client, one for each concurrent execution."""

import threading
from collections.abc import Callable, Mapping

from .functions import Function
from .invoker import Invoker, Outcome, failure
from .warden import Warden
from .worker_process import Log, WorkerProcess


class Processes(Invoker):
    """
    Runs functions in processes, at most `concurrency` of each function, started when they are needed.

    A process that ends, or is killed at its timeout, fails its invocation and no other. All of them end
    with `close()`, and also if this process is killed.
    """

    def __init__(self, *, environment: Mapping[str, str], concurrency: int, log: Log = print) -> None:
        self._environment, self._concurrency, self._log = environment, concurrency, log
        self._warden = Warden()
        self._pools: dict[str, _Pool] = {}
        self._lock = threading.Lock()
        self._closed = False

    def invoke(self, function: Function, event: bytes) -> Outcome:
        with self._lock:
            if self._closed:
                return failure("Runtime.ExitError", "The functions of this machine are being stopped")
            pool = self._pools.get(function.name)
            if pool is None:
                pool = self._pools[function.name] = _Pool(self._concurrency)
        worker = pool.take(lambda: WorkerProcess(function, self._environment, self._warden, self._log))
        try:
            return worker.invoke(event)
        finally:
            pool.give_back(worker)

    def pids(self, function: str) -> list[int]:
        """Return the process of each worker of a function that has one now: for tests that kill them."""
        with self._lock:
            pool = self._pools.get(function)
        return pool.pids() if pool is not None else []

    def close(self) -> None:
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        for pool in pools:
            pool.close()
        self._warden.close()


class _Pool:
    """The processes of one function."""

    def __init__(self, size: int) -> None:
        self._free = threading.Semaphore(size)
        self._idle: list[WorkerProcess] = []
        self._all: list[WorkerProcess] = []
        self._lock = threading.Lock()

    def take(self, make: Callable[[], WorkerProcess]) -> WorkerProcess:
        """Return a worker that is idle, the one used last first, or a new one; wait while all are busy."""
        self._free.acquire()
        with self._lock:
            if not self._idle:
                self._all.append(make())
                return self._all[-1]
            return self._idle.pop()

    def give_back(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._idle.append(worker)
        self._free.release()

    def pids(self) -> list[int]:
        with self._lock:
            return [worker.pid for worker in self._all if worker.pid is not None]

    def close(self) -> None:
        with self._lock:
            workers = list(self._all)
        for worker in workers:
            worker.close()
