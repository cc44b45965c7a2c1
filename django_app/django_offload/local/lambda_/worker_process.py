"""One execution environment: a process of AWS's own runtime client, kept warm between invocations."""

import os
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping
from uuid import uuid4

from ..environment import without_aws
from ..watchdog import Warden, kill_group
from .functions import Function
from .invoker import Outcome, failure
from .lambda_context import log_stream_name
from .log_lines import LogLine
from .runtime_api import Invocation, RuntimeApi, Said
from .unpacked import interpreter

# Lambda gives a function this long to import its code before the first event; after it, the function's
# own timeout counts. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_SECONDS = 10.0

Log = Callable[[str], None]  # Takes a LogLine where a function said it.


def source_roots() -> list[str]:
    """Return the folders that this project's modules are imported from, and last the doors it may lack."""
    from ...stack.layout import import_roots

    roots = [os.getcwd(), *(os.path.abspath(path) for path in sys.path if os.path.isdir(path or "."))]
    standard = sysconfig.get_path("stdlib")
    ours = [path for path in roots if "-packages" not in path and not path.startswith(standard)]
    return list(dict.fromkeys([*ours, *import_roots()]))


def process_environment(function: Function, base: Mapping[str, str], address: str) -> dict[str, str]:
    """
    Return the environment of a process of `function`.

    It is this process's own, AWS's of this machine, the function's variables, and Lambda's; PYTHONPATH
    leads to the working tree, or to where the function's package is unpacked, since on this machine there is
    no /var/task. AWS_EXECUTION_ENV is left out: settings take it for the sign that they are deployed.
    """
    return {
        **without_aws(os.environ),
        **function.environment,
        **base,
        "PYTHONPATH": function.python_path or os.pathsep.join(source_roots()),
        "PYTHONUNBUFFERED": "1",
        "AWS_LAMBDA_RUNTIME_API": address,
        "LAMBDA_TASK_ROOT": str(function.code or os.getcwd()),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream_name(),
        "_HANDLER": function.handler,
    }


def _interpreter(function: Function) -> list[str]:
    """Return the command of AWS's runtime client: on the working tree with the lines of tasks marked."""
    if function.code:
        return [*interpreter(), "-m", "awslambdaric"]
    return [sys.executable, "-m", "django_offload.local.lambda_.runtime_client"]


class Generation:
    """One process and the Runtime API that it alone talks to."""

    def __init__(self, function: Function, environment: Mapping[str, str], warden: Warden, log: Log) -> None:
        self.api = RuntimeApi()
        self._warden, self._function, self._log = warden, function, log
        self._process = subprocess.Popen(
            [*_interpreter(function), function.handler],
            cwd=function.code,
            env=process_environment(function, environment, self.api.address),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own, to be killed with everything that the task has started.
            process_group=0,
        )
        warden.add(self._process.pid)
        self._follower = threading.Thread(target=self._follow, name=f"log-{function.name}", daemon=True)
        self._follower.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kill the process with everything it has started, and wait until it is gone."""
        kill_group(self._process.pid)
        self._process.wait()
        self._warden.remove(self._process.pid)
        self.api.close()
        self._follower.join(1)
        if self._process.stdout is not None and not self._follower.is_alive():
            self._process.stdout.close()

    def _follow(self) -> None:
        """Pass on what the process says, and say in its place that it has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # awslambdaric parts the lines of a traceback by carriage returns.
            for part in line.rstrip("\n").split("\r"):
                self._log(LogLine(self._function.name, part))
        self.api.say_ended(_exit_error(self._process.wait()))


class WorkerProcess:
    """Runs one invocation at a time of one function, in a process that outlives it."""

    def __init__(self, function: Function, environment: Mapping[str, str], warden: Warden, log: Log) -> None:
        self._function, self._environment, self._warden, self._log = function, environment, warden, log
        self._generation: Generation | None = None
        self._closed = False
        self._lock = threading.Lock()

    def invoke(self, event: bytes) -> Outcome:
        """Run the function; its process is killed at the function's timeout, as Lambda does."""
        with self._lock:
            if self._closed:
                return failure("Runtime.ExitError", "The functions of this machine are being stopped")
            generation = self._living()
        invocation = Invocation(id=str(uuid4()), function=self._function, event=event)
        generation.api.hand(invocation)
        said, outcome = generation.api.wait(INIT_SECONDS + self._function.timeout_seconds)
        if said is Said.TAKEN:
            said, outcome = generation.api.wait(self._function.timeout_seconds)
        if said is not Said.ANSWERED:
            with self._lock:
                self._drop(generation)
        return outcome or _timed_out(invocation)

    @property
    def pid(self) -> int | None:
        """The process it has now, None where it has none."""
        generation = self._generation
        return generation.pid if generation is not None and generation.alive else None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._drop(self._generation)

    def _living(self) -> Generation:
        """Return the process to use, a new one if the last has ended."""
        if self._generation is None or not self._generation.alive:
            self._drop(self._generation)
            self._generation = Generation(self._function, self._environment, self._warden, self._log)
        return self._generation

    def _drop(self, generation: Generation | None) -> None:
        if generation is not None and generation is self._generation:
            self._generation = None
            generation.end()


def _timed_out(invocation: Invocation) -> Outcome:
    seconds = invocation.function.timeout_seconds
    return failure(
        "Sandbox.Timedout", f"RequestId: {invocation.id} Error: Task timed out after {seconds:.2f} seconds"
    )


def _exit_error(code: int) -> Outcome:
    how = f"signal: {-code}" if code < 0 else f"exit status {code}"
    return failure("Runtime.ExitError", f"Error: Runtime exited with error: {how}")
