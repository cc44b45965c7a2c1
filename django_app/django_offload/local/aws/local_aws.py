"""AWS on this machine as one thing: started, deployed to, and ended together."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from ..environment import applied, variables
from ..lambda_.async_invocations import AsyncInvocations
from ..lambda_.functions import Functions
from ..lambda_.invoke_api import InvokeApi
from ..lambda_.invoker import InProcess
from ..lambda_.processes import Processes
from ..lambda_.unpacked import Unpacked
from ..lambda_.worker_process import Log
from .cloudwatch import Metered, tell
from .event_source_mapping import EventSourceMapping, deployed_mappings
from .moto_server import MotoServer
from .schedule import Schedule, declared_rules, deployed_rules
from .stack_deploy import deploy

Announce = Callable[[str], object]
_JOIN_SECONDS = 5.0


def say_nothing(line: str) -> None:
    """Take a line and say nothing."""


class LocalAWS:
    """
    AWS on this machine, with every stack of TASKS (or of `templates`, by stack) deployed.

    With `in_process` handlers are called in this process, and only by `poll_once()` and `drain()` unless
    `background` asks for threads. Otherwise functions run in processes of their own, fed by threads, at most
    `concurrency` of each function. While it is open this process's environment leads to it.
    Open one at a time: moto keeps its state in the process. Functions run from the working tree; given a
    folder for `packages`, from what was deployed, beside AWS's own packages and no others.
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
        announce: Announce = say_nothing,
        log: Log = print,
        packages: Path | None = None,
    ) -> None:
        self.server = MotoServer(aws_port, region)
        self.functions = Functions(self.server, Unpacked(packages, self.server) if packages else None)
        self.environment: dict[str, str] = {}  # What every process needs to reach it.
        self.outputs: dict[str, dict[str, str]] = {}  # Of each stack.
        self.mappings: list[EventSourceMapping] = []
        self.schedule: Schedule | None = None
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
        """Serve AWS's interfaces, and lead this process's environment to them."""
        with self._step("AWS's interfaces"):
            self.server.start()
        self._exits.callback(self.server.stop)
        # Filled below: processes need the address of what needs them.
        environment = self.environment
        self.invoker = Metered(
            InProcess()
            if self._in_process
            else Processes(environment=environment, concurrency=self.concurrency, log=self._log)
        )
        self._exits.callback(self.invoker.close)
        self.asynchronous = AsyncInvocations(self.invoker)
        api = InvokeApi(
            functions=self.functions,
            invoker=self.invoker,
            asynchronous=self.asynchronous,
            moto_port=self.server.port,
        )
        api.start()
        self._exits.callback(api.stop)
        environment |= variables(
            self.server.endpoint, region=self.server.region, lambda_endpoint=api.endpoint
        )
        self._exits.enter_context(applied(environment))

    def deploy(self) -> None:
        """Create every stack that is not there, and find its mappings and schedules. Raise StackFailed."""
        templates = configured_templates() if self._templates is None else self._templates
        for stack, template in templates.items():
            with self._step(f"stack {stack}"):
                self.outputs[stack] = deploy(self.server, stack, template)
        sqs = self.server.client("sqs")
        self.mappings = [
            EventSourceMapping(mapping, sqs=sqs, functions=self.functions, invoker=self.invoker)
            for mapping in deployed_mappings(self.server)
        ]
        rules = list(deployed_rules(self.server))
        rules += declared_rules(rules)
        self.schedule = Schedule(rules, functions=self.functions, asynchronous=self.asynchronous)

    def feed(self) -> None:
        """Start what feeds functions, in the background: mappings, schedules, asynchronous invocations."""
        if not self._background:
            return
        self.asynchronous.start(self.concurrency)
        self._exits.callback(self.asynchronous.stop)
        for mapping in self.mappings:
            self._start(f"poller-{mapping.mapping.queue}", mapping.run, self._stopping, self.concurrency)
        assert self.schedule is not None
        self._start("schedule", self.schedule.run, self._stopping)
        self._start("metrics", tell, self._stopping, self.server, self.invoker)
        schedules = len(self.schedule.rules)
        self._announce(
            f"  {len(self.mappings)} event source mappings, {schedules} schedule{'s'[: schedules != 1]}, "
            f"{'handlers in this process' if self._in_process else f'{self.concurrency} workers a function'}"
        )

    def poll_once(self) -> int:
        """Run one batch of each mapping and what was invoked asynchronously; return how many there were."""
        return sum(mapping.poll_once() for mapping in self.mappings) + self.asynchronous.run_pending()

    def drain(self) -> int:
        """Poll until nothing is there that can be received now, and return how many there were."""
        count = 0
        while found := self.poll_once():
            count += found
        return count

    def renew(self) -> int:
        """
        Have functions run the code as it is now; return how many processes still end what they run.

        What failed before is received again at once: the new code may be what it waits for.
        """
        busy = self.invoker.renew()
        self.bring_back()
        return busy

    def bring_back(self) -> None:
        """Have what functions gave back be received again now, not at the end of its visibility timeout."""
        for mapping in self.mappings:
            mapping.bring_back()

    def reset(self) -> None:
        """Forget every message, record and object, and deploy anew. Only without `background`."""
        self.asynchronous.clear()
        self.server.reset()
        self.functions.forget()
        self.outputs.clear()
        self.deploy()

    def close(self) -> None:
        """End everything that was started: threads, processes, servers."""
        self._stopping.set()
        # Workers first: what waits for an answer of theirs then gets one.
        if hasattr(self, "invoker"):
            self.invoker.close()
        self._exits.close()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        self._threads.clear()

    def _start(self, name: str, target: Callable[..., object], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._announce(f"  {name:<40} {time.monotonic() - start:5.1f} s")


def configured_templates() -> dict[str, str]:
    """Return the template of every stack in TASKS."""
    from ...stack.configured import stacks, template_of

    return {stack: template_of(stack) for stack in stacks()}
