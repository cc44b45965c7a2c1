"""One execution environment: a process of AWS's own runtime client that stays warm between invocations."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from uuid import uuid4

from ..environment import without_aws
from ..watchdog import Watchdog, kill_group
from .deployed_code import isolated_python
from .deployed_variables import local_variables
from .functions import Function, log_stream_name
from .invoker import Outcome, failed_outcome
from .log_lines import LogLine
from .project_modules import handler_roots, import_error, source_roots
from .runtime_api import FunctionInvocation, ProcessReport, RuntimeApi

# Lambda gives a function this long to import its code before the first event. After that, the function's
# own timeout applies. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_SECONDS = 10.0

Log = Callable[[str], None]  # Receives a LogLine for each line that a function writes.


def process_environment(function: Function, aws: Mapping[str, str], address: str) -> dict[str, str]:
    """
    Return the environment variables for a process of `function`.

    They are this process's own variables, those of the function's that may reach this machine, those of AWS
    on this machine, and Lambda's.
    PYTHONPATH leads to the working tree or to the unpacked package, because /var/task doesn't exist here.
    AWS_EXECUTION_ENV is missing, because settings use it to detect that they are deployed.
    """
    return {
        **without_aws(os.environ),
        **local_variables(function),
        **aws,
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


class RuntimeProcess:
    """One process of AWS's runtime client, with a Runtime API of its own."""

    def __init__(
        self, function: Function, environment: Mapping[str, str], watchdog: Watchdog, log: Log
    ) -> None:
        self.api = RuntimeApi()
        self._watchdog, self._function, self._log = watchdog, function, log
        # From the working tree, our runtime client marks each line with the id of its task.
        command = (
            [*isolated_python(), "-m", "awslambdaric"]
            if function.code
            else [sys.executable, "-m", "django_offload.local.lambda_.runtime_client"]
        )
        self._process = subprocess.Popen(
            [*command, function.handler],
            cwd=function.code,
            env=process_environment(function, environment, self.api.address),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Its own group, so that end() can also kill everything that the task started.
            process_group=0,
        )
        watchdog.add(self._process.pid)
        self._output_thread = threading.Thread(
            target=self._read_output, name=f"log-{function.name}", daemon=True
        )
        self._output_thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kill the process and everything it started, and wait until it has ended."""
        kill_group(self._process.pid)
        self._process.wait()
        self._watchdog.remove(self._process.pid)
        self.api.close()
        self._output_thread.join(1)
        if self._process.stdout is not None and not self._output_thread.is_alive():
            self._process.stdout.close()

    def _read_output(self) -> None:
        """Log every line that the process writes, and report its end."""
        assert self._process.stdout is not None
        for output in self._process.stdout:
            # awslambdaric separates the lines of a traceback with carriage returns.
            for line in output.rstrip("\n").split("\r"):
                self._log(LogLine(self._function.name, line))
        code = self._process.wait()
        reason = f"signal: {-code}" if code < 0 else f"exit status {code}"
        self.api.report_end(
            failed_outcome("Runtime.ExitError", f"Error: Runtime exited with error: {reason}")
        )


class WorkerProcess:
    """Runs one invocation of a function at a time, in a process that it keeps and replaces if it ends."""

    def __init__(
        self, function: Function, environment: Mapping[str, str], watchdog: Watchdog, log: Log
    ) -> None:
        self._function, self._environment, self._watchdog, self._log = function, environment, watchdog, log
        self._process: RuntimeProcess | None = None
        self._closed = False
        self._lock = threading.Lock()

    def invoke(self, event: bytes) -> Outcome:
        """Run the function. At the function's timeout, kill its process, as Lambda does."""
        with self._lock:
            if self._closed:
                return failed_outcome("Runtime.ExitError", "The functions on this machine are shutting down")
            process = self._process
            if process is None or not process.alive:
                self._end_process(process)
                error = import_error(self._function.handler, handler_roots(self._function))
                if error is not None:
                    return error
                process = RuntimeProcess(self._function, self._environment, self._watchdog, self._log)
                self._process = process
        invocation = FunctionInvocation(id=str(uuid4()), function=self._function, event=event)
        process.api.offer(invocation)
        timeout_seconds = self._function.timeout_seconds
        report, outcome = process.api.wait(INIT_SECONDS + timeout_seconds)
        if report is ProcessReport.FETCHED:
            report, outcome = process.api.wait(timeout_seconds)
        if report is not ProcessReport.RESPONDED:
            with self._lock:
                self._end_process(process)
        return outcome or failed_outcome(
            "Sandbox.Timedout",
            f"RequestId: {invocation.id} Error: Task timed out after {timeout_seconds:.2f} seconds",
        )

    @property
    def pid(self) -> int | None:
        """The id of the running process, or None."""
        process = self._process
        return process.pid if process is not None and process.alive else None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._end_process(self._process)

    def _end_process(self, process: RuntimeProcess | None) -> None:
        """End `process` unless another one has replaced it. The caller holds the lock."""
        if process is not None and process is self._process:
            self._process = None
            process.end()
