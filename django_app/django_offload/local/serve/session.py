"""What `manage.py offload_local` does: AWS on this machine, and the site or a command beside it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from ...aws.loopback import LOOPBACK
from ..aws.local_aws import Announce, LocalAWS
from ..environment import refuse_other_aws
from ..lambda_.invoker import runtime_client_missing
from ..lambda_.log_lines import LogLine, wants_colour
from ..lambda_.worker_process import Log
from ..loopback import free_port
from ..watchdog import Warden
from .env_file import PATH as ENV_FILE
from .env_file import env_file
from .interrupts import Interrupted, Interrupts
from .reloader import Renewal, watched
from .startup_report import rows, table
from .web import Child, answers, exit_code, pause, runserver, site_environment

Ready = Callable[[dict[str, object]], object]


def say(line: str) -> None:
    """Print a line at once, whatever stdout is."""
    print(line, flush=True)


def tell(line: str) -> None:
    """Print a line that a function said, with the colour of its task where the terminal may have it."""
    coloured = wants_colour(sys.stdout, os.environ)
    say(line.painted() if coloured and isinstance(line, LogLine) else line)


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
    log: Log = tell,
    ready: Ready | None = None,
) -> int:
    """
    Run AWS on this machine with the site on `port`, `command`, or neither, until that ends or a signal comes.

    A port that is taken is announced, and the next free one used. With `reload` the web server starts anew
    when code changes, and workers are replaced. `ready` is told once everything answers: what was started,
    the addresses, and the file for other terminals. Return the exit code: the command's or the web server's
    own; 0 after Ctrl-C or SIGTERM. Raise NotThisMachine before anything is started, StackFailed if TASKS
    cannot be deployed.
    """
    refuse_other_aws(os.environ)
    site = None if command is not None or services_only else _free(port, "the web server", "--port", announce)
    aws_port = _free(aws_port, "AWS's interfaces", "--aws-port", announce)
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
        log=lambda line: None if isinstance(line, LogLine) and line.metric else log(line),
    )
    chosen = runserver(site, reload=reload) if site is not None else list(command or ())
    return _Session(aws, chosen, site, announce, ready, replace=reload and not in_process).run()


def _free(port: int, purpose: str, option: str, announce: Announce) -> int:
    """Return a free port, announced where it is not the wanted one."""
    found = free_port(port, purpose, f"Choose another with {option}.")
    if port and found != port:
        announce(f"  Port {port}, wanted for {purpose}, is taken by another program: {found} it is instead.")
    return found


class _Session:
    """One run of serve()."""

    def __init__(
        self,
        aws: LocalAWS,
        command: list[str],
        port: int | None,
        announce: Announce,
        ready: Ready | None,
        *,
        replace: bool,
    ) -> None:
        self._aws, self._command, self._port = aws, command, port
        self._announce, self._tell = announce, ready
        self._code = watched(announce) if replace else None
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
        interrupts.check()
        self._aws.deploy()
        interrupts.check()
        self._aws.feed()
        self._env_file = os.path.relpath(path)
        self._watch(exits)
        if self._port is None:
            self._ready(f"AWS on this machine is ready after {self._elapsed}.")
        # Site or command find all in place: what is enqueued before the stack stands finds no queue.
        if self._command:
            self._spawn(interrupts, exits)

    def _watch(self, exits: ExitStack) -> None:
        """Replace workers from now on when code changes."""
        if self._code is None:
            return
        stop = threading.Event()
        work = (stop, Renewal(self._aws, self._announce))
        threading.Thread(target=self._code.watch, args=work, name="code", daemon=True).start()
        exits.callback(stop.set)

    def _ready(self, line: str) -> None:
        """Say that all is there, and what it is."""
        site = None if self._port is None else f"http://{LOOPBACK}:{self._port}"
        found = list(rows(self._aws, site, self._env_file, self._code))
        for row in table(found):
            self._announce(row)
        self._announce(line)
        if self._tell is not None:
            self._tell(
                {
                    **({} if site is None else {"site": site}),
                    "env_file": str(ENV_FILE.absolute()),
                    "environment": self._aws.environment,
                    "started": [{"what": what, "where": where} for what, where in found],
                }
            )

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
                self._ready(
                    f"http://{LOOPBACK}:{self._port} answers after {self._elapsed}. Ctrl-C ends everything."
                )
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
