"""What `manage.py offload_local` does: AWS on this machine, and the site or a command beside it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from .env_file import PATH as ENV_FILE
from .env_file import env_file
from .environment import LOOPBACK, refuse_other_aws
from .interrupts import Interrupted, Interrupts
from .invoker import runtime_client_missing
from .local_aws import Announce, LocalAWS
from .loopback import refuse_taken_port
from .warden import Warden
from .web import Child, answers, exit_code, pause, runserver, site_environment
from .worker_process import Log

Ready = Callable[[dict[str, object]], object]


def say(line: str) -> None:
    """Print a line at once, whatever stdout is."""
    print(line, flush=True)


def serve(
    *,
    port: int = 8000,
    concurrency: int | None = None,
    command: Sequence[str] | None = None,
    services_only: bool = False,
    in_process: bool = False,
    aws_port: int = 0,
    reload: bool = False,
    announce: Announce = say,
    log: Log = say,
    ready: Ready | None = None,
) -> int:
    """
    Run AWS on this machine with the site on `port`, `command`, or neither, until that ends or a signal comes.

    `ready` is told once everything answers: the addresses, and the file for other terminals.
    Return the exit code: the command's or the web server's own; 0 after Ctrl-C or SIGTERM. Raise PortTaken or
    NotThisMachine before anything is started, StackFailed if TASKS cannot be deployed.
    """
    refuse_other_aws(os.environ)
    if command is None and not services_only:
        refuse_taken_port(port, "the web server", f"Choose another: PORT={port + 1} (or --port {port + 1}).")
    missing = runtime_client_missing()
    if missing and not in_process:
        announce(f"  Handlers run in this process, and nothing ends them at their timeout: {missing}.")
        in_process = True
    aws = LocalAWS(
        in_process=in_process,
        background=True,
        concurrency=concurrency,
        aws_port=aws_port,
        announce=announce,
        log=log,
    )
    site = None if command is not None or services_only else port
    chosen = runserver(port, reload=reload) if site is not None else list(command or ())
    return _Session(aws, chosen, site, announce, ready).run()


class _Session:
    """One run of serve()."""

    def __init__(
        self, aws: LocalAWS, command: list[str], port: int | None, announce: Announce, ready: Ready | None
    ) -> None:
        self._aws, self._command, self._port = aws, command, port
        self._announce, self._tell = announce, ready
        self._started = time.monotonic()
        self._child: Child | None = None

    def run(self) -> int:
        with Interrupts() as interrupts, ExitStack() as exits:
            try:
                self._start(interrupts, exits)
                code = self._wait(interrupts)
            except Interrupted:
                code = self._interrupted(interrupts.number or signal.SIGTERM)
            finally:
                interrupts.ignore()
        return code

    def _start(self, interrupts: Interrupts, exits: ExitStack) -> None:
        exits.callback(self._aws.close)
        self._aws.open()
        path = exits.enter_context(env_file(self._aws.environment))
        # A site takes as long to start as the stack does: both at once. A command finds all in place.
        if self._port is not None:
            self._spawn(interrupts, exits)
        interrupts.check()
        self._aws.deploy()
        interrupts.check()
        self._aws.feed()
        self._announce(f"  For other terminals: . {os.path.relpath(path)}")
        if self._port is None:
            self._announce(f"AWS on this machine is ready after {self._elapsed}.")
            self._ready()
            if self._command:
                self._spawn(interrupts, exits)

    def _ready(self) -> None:
        if self._tell is not None:
            site = {} if self._port is None else {"site": f"http://{LOOPBACK}:{self._port}"}
            self._tell({**site, "env_file": str(ENV_FILE.absolute()), "environment": self._aws.environment})

    def _spawn(self, interrupts: Interrupts, exits: ExitStack) -> None:
        with interrupts.held():
            warden = Warden()
            exits.callback(warden.close)
            # The command of a terminal stays in the terminal's group, to read from it.
            own_group = self._port is not None or not sys.stdin.isatty()
            environment = {**self._aws.environment, **(site_environment() if self._port is not None else {})}
            self._child = Child(self._command, environment, warden, own_group=own_group)
            exits.callback(self._child.end)

    def _wait(self, interrupts: Interrupts) -> int:
        """Wait for the child, and say when the site answers; without a child, for a signal."""
        waiting = self._port is not None
        while True:
            interrupts.check()
            code = self._child.poll() if self._child is not None else None
            if code is not None:
                return self._ended(code)
            if waiting and self._port is not None and answers(self._port):
                waiting = False
                self._announce(
                    f"http://{LOOPBACK}:{self._port} answers after {self._elapsed}. Ctrl-C ends everything."
                )
                self._ready()
            pause()

    def _ended(self, code: int) -> int:
        if self._port is not None:
            self._announce("The web server has ended by itself; its last lines above say why.")
            return exit_code(code) or 1
        return exit_code(code)

    def _interrupted(self, number: int) -> int:
        if self._command and self._port is None and self._child is not None:
            # It decides what the signal means, and its exit code is ours.
            self._child.pass_on(number)
            return exit_code(self._child.wait())
        self._announce("Ending everything that was started.")
        return 0

    @property
    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:.1f} s"
