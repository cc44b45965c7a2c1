"""All of AWS on this machine in one object, to start, deploy to and stop together."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Self

from ...aws import failures
from ...aws.development import Session
from ..environment import applied, variables
from ..errors import StartFailed
from ..lambda_.async_invocations import AsyncInvocations
from ..lambda_.deployed_code import DeployedCode
from ..lambda_.functions import DeployedFunctions
from ..lambda_.in_process import InProcessInvoker
from ..lambda_.invoke_api import InvokeApi
from ..lambda_.processes import ProcessInvoker
from ..lambda_.worker_process import Log
from .cloudwatch import MeteredInvoker, put_metrics_until
from .event_source_mapping import EventSourceMapping, deployed_mappings
from .moto_server import MotoServer
from .project_schedules import ProjectSchedule
from .schedule import Rule, Schedule, configured_rules, deployed_rules
from .stack_deploy import deploy

logger = logging.getLogger("django_offload.local")

Announce = Callable[[str], object]
JOIN_SECONDS = 5.0


class LocalAWS:
    """
    AWS on this machine, with every stack of TASKS, or with the stacks of `templates`, by name.

    By default functions run in their own processes, at most `concurrency` per function, and threads invoke
    them. With `in_process`, handlers run in this process, and only during `poll_once()` and `drain()`
    unless `background` is True.

    Functions run from the working tree. If `packages` names a folder, they run from their deployed packages,
    which see AWS's own packages and no others.

    While it is open, this process's environment leads to it. Open only one at a time, because moto keeps
    its state in the process.
    """

    def __init__(
        self,
        *,
        in_process: bool = False,
        background: bool | None = None,
        concurrency: int | None = None,
        aws_port: int = 0,
        region: str | None = None,
        templates: Mapping[str, str] | None = None,
        announce: Announce = lambda line: None,
        log: Log = print,
        packages: Path | None = None,
    ) -> None:
        # In tests, a session of boto3 may have read another key before.
        self.server = MotoServer(aws_port, region, requires_key=not in_process)
        deployed_code = DeployedCode(packages, self.server) if packages else None
        self.functions = DeployedFunctions(self.server, deployed_code)
        self.environment: dict[str, str] = {}  # The variables that lead any process to this AWS.
        self.outputs: dict[str, dict[str, str]] = {}  # By stack.
        self.mappings: list[EventSourceMapping] = []
        self.schedule: Schedule | None = None
        self.step = "it begins"  # What the start is doing now.
        # Only readers of the file that describes this session know it.
        self.token = token_hex(16)
        self._in_process = in_process
        self._background = not in_process if background is None else background
        self.concurrency = concurrency or os.cpu_count() or 2
        self._templates, self._announce, self._log = templates, announce, log
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.open()
            self.deploy()
            self.feed()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self) -> None:
        """Start the servers and lead this process's environment to them."""
        with self._timed_step("AWS's interfaces", "moto is loading"):
            self.server.start()
        self._exits.callback(self.server.stop)
        # Function processes receive this mapping. It is filled below, once the Lambda endpoint is known.
        environment = self.environment
        self.invoker = MeteredInvoker(
            InProcessInvoker()
            if self._in_process
            else ProcessInvoker(environment=environment, concurrency=self.concurrency, log=self._log)
        )
        self._exits.callback(self.invoker.close)
        self.async_invocations = AsyncInvocations(self.invoker)
        api = InvokeApi(
            functions=self.functions,
            invoker=self.invoker,
            async_invocations=self.async_invocations,
            moto_port=self.server.port,
            access_key=self.server.required_key,
            token=self.token,
        )
        api.start()
        self._exits.callback(api.stop)
        environment |= variables(
            self.server.endpoint,
            region=self.server.region,
            access_key=self.server.access_key,
            lambda_endpoint=api.endpoint,
        )
        self._exits.enter_context(applied(environment))

    @property
    def session(self) -> Session:
        """What other processes need to find this AWS and to call it. Read it after open()."""
        stacks = configured_stacks() if self._templates is None else self._templates
        return Session(
            process=os.getpid(), token=self.token, stacks=tuple(stacks), variables=dict(self.environment)
        )

    def deploy(self) -> None:
        """Create the stacks and read their mappings and schedules. Raise StackFailed if that fails."""
        templates = configured_templates() if self._templates is None else self._templates
        for stack, template in templates.items():
            with self._timed_step(f"stack {stack}", f"CloudFormation is creating the stack {stack}"):
                self.outputs[stack] = deploy(self.server, stack, template)
        with self._step("the queues and schedules are being read"):
            self._read_deployed()

    def _read_deployed(self) -> None:
        # Only now, because the module needs moto.
        from .queues import QueuesInProcess

        sqs = QueuesInProcess(self.server.port, self.server.region, self._stopping)
        self.mappings = [
            EventSourceMapping(config, sqs=sqs, functions=self.functions, invoker=self.invoker)
            for config in deployed_mappings(self.server)
        ]
        rules = self._deployed_rules = list(deployed_rules(self.server))
        self.schedule = Schedule(
            [*rules, *configured_rules(rules)],
            functions=self.functions,
            async_invocations=self.async_invocations,
        )

    def follow(self, schedules: Iterable[ProjectSchedule]) -> tuple[list[Rule], list[Rule]]:
        """Run these scheduled tasks from now on. Return the rules that are new, and those that are gone."""
        assert self.schedule is not None
        rules = self._deployed_rules
        return self.schedule.replace([*rules, *configured_rules(rules, schedules)])

    def feed(self) -> None:
        """Start invoking functions in the background: by mapping, on schedule and asynchronously."""
        if not self._background:
            return
        self.async_invocations.start(self.concurrency)
        self._exits.callback(self.async_invocations.stop)
        for mapping in self.mappings:
            self._start_thread(
                f"poller-{mapping.config.queue}", mapping.run, self._stopping, self.concurrency
            )
        assert self.schedule is not None
        self._start_thread("schedule", self.schedule.run, self._stopping)
        self._start_thread("metrics", put_metrics_until, self._stopping, self.server, self.invoker)
        schedules = len(self.schedule.rules)
        self._announce(
            f"  {len(self.mappings)} event source mappings, {schedules} schedule{'s'[: schedules != 1]}, "
            + ("handlers in this process" if self._in_process else f"{self.concurrency} workers per function")
        )

    def poll_once(self) -> int:
        """Run one batch per mapping and all pending asynchronous invocations, and return their number."""
        return sum(mapping.poll_once() for mapping in self.mappings) + self.async_invocations.run_pending()

    def drain(self) -> int:
        """Poll until nothing can be received now, and return how many messages and invocations ran."""
        total = 0
        while count := self.poll_once():
            total += count
        return total

    def reload(self) -> int:
        """
        Run functions with the current code from now on. Return how many workers still run the old code.

        Make failed messages visible at once, because the new code may fix their error.
        """
        busy_workers = self.invoker.reload()
        self.bring_back()
        return busy_workers

    def bring_back(self) -> None:
        """Make failed messages visible now instead of at the end of their visibility timeout."""
        for mapping in self.mappings:
            mapping.bring_back()

    def reset(self) -> None:
        """Delete every message, record and object, and deploy again. Don't use it with `background`."""
        self.async_invocations.clear()
        self.server.reset()
        self.functions.clear_cache()
        self.outputs.clear()
        self.deploy()

    def close(self) -> None:
        """Stop all threads, processes and servers."""
        self._stopping.set()
        # From now on threads and processes end because they are stopped, not because they fail.
        logger.disabled = True
        try:
            # Stop the workers first, so that everything that waits for a response gets one.
            if hasattr(self, "invoker"):
                self.invoker.close()
            self._exits.close()
            for thread in self._threads:
                thread.join(JOIN_SECONDS)
            self._threads.clear()
        finally:
            logger.disabled = False

    def _start_thread(self, name: str, target: Callable[..., object], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @contextmanager
    def _timed_step(self, name: str, step: str) -> Iterator[None]:
        """Do a step of the start, and announce how long it took."""
        start = time.monotonic()
        with self._step(step):
            yield
        self._announce(f"  {name:<40} {time.monotonic() - start:5.1f} s")

    @contextmanager
    def _step(self, step: str) -> Iterator[None]:
        """Do a step of the start. Raise StartFailed if a call to the servers of this machine fails."""
        if self._stopping.is_set():
            raise StartFailed(step, 0.0, "it was stopped")
        self.step, start = step, time.monotonic()
        try:
            yield
        except failures() as exc:
            raise StartFailed(step, time.monotonic() - start, exc) from exc


def configured_stacks() -> list[str]:
    """Return the name of every stack in TASKS."""
    from ...stack.configured import stacks

    return list(stacks())


def configured_templates() -> dict[str, str]:
    """Return the template of every stack in TASKS, by stack."""
    from ...stack.configured import stacks, template_of

    return {stack: template_of(stack) for stack in stacks()}
