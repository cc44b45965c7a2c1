"""Functions run as on Lambda: in processes of AWS's own runtime client, one for each concurrent execution."""

import threading
from collections.abc import Callable, Mapping

from ..watchdog import Warden
from .functions import Function
from .invoker import Invoker, Outcome, failure
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
        self._pools: dict[tuple[str, object], _Pool] = {}
        self._lock = threading.Lock()
        self._closed = False

    def invoke(self, function: Function, event: bytes) -> Outcome:
        with self._lock:
            if self._closed:
                return failure("Runtime.ExitError", "The functions of this machine are being stopped")
            # What runs when new code is deployed ends with the code it began with.
            key = (function.name, function.code)
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = _Pool(self._concurrency)
        worker = pool.take(lambda: WorkerProcess(function, self._environment, self._warden, self._log))
        try:
            return worker.invoke(event)
        finally:
            pool.give_back(worker)

    def renew(self) -> int:
        """Replace every process, a busy one once it has ended what it runs; return how many are busy."""
        with self._lock:
            pools = list(self._pools.values())
        return sum(pool.renew() for pool in pools)

    def pids(self, function: str) -> list[int]:
        """Return the process of each worker of a function that has one now: for tests that kill them."""
        with self._lock:
            pools = [pool for (name, _), pool in self._pools.items() if name == function]
        return [pid for pool in pools for pid in pool.pids()]

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
        self._old: list[WorkerProcess] = []  # Busy ones that run code from before a change.
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
            old = worker in self._old
            if old:
                self._old.remove(worker)
                self._all.remove(worker)
            else:
                self._idle.append(worker)
        if old:
            worker.close()
        self._free.release()

    def renew(self) -> int:
        """End idle processes now, busy ones when they are given back; return how many those are."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._all = [worker for worker in self._all if worker not in idle]
            self._old = list(self._all)
        for worker in idle:
            worker.close()
        return len(self._old)

    def pids(self) -> list[int]:
        with self._lock:
            return [worker.pid for worker in self._all if worker.pid is not None]

    def close(self) -> None:
        with self._lock:
            workers = list(self._all)
        for worker in workers:
            worker.close()
