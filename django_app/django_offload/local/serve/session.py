"""One run of `manage.py offload_local`: AWS on this machine, with the site or a command."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ...aws.development import ENV_FILE
from ...aws.loopback import LOOPBACK
from ...logs.escaping import escape_controls
from ..aws.local_aws import Announce, LocalAWS
from ..environment import env_file, other_start, refuse_other_aws
from ..lambda_.log_lines import LogLine, wants_colour
from ..lambda_.processes import runtime_client_missing
from ..lambda_.task_logs import LogHandler, show_task_logs
from ..lambda_.worker_process import Log
from ..loopback import free_port
from ..watchdog import Watchdog
from .forgotten import Forgotten
from .interrupts import Interrupts
from .reloader import Reloader, project_files
from .startup import POLL_SECONDS, Background, SlowStart
from .startup_report import report_rows, table_lines
from .web import ChildProcess, exit_code, runserver_command, site_answers, site_environment

# How long everything may take to stop. What is left then ends with this process.
CLOSE_SECONDS = 20.0

OnReady = Callable[[dict[str, object]], object]


def print_line(line: str) -> None:
    """Print a line at once, even if stdout is buffered, and without what controls a terminal."""
    print(escape_controls(line), flush=True)


def print_log_line(line: str) -> None:
    """Print a function's line, in the colour of its task if the terminal shows colours."""
    if isinstance(line, LogLine) and wants_colour(sys.stdout, os.environ):
        print(line.painted(), flush=True)  # Its text has no control characters.
    else:
        print_line(line)


def serve(
    *,
    port: int = 8000,
    concurrency: int | None = None,
    command: Sequence[str] | None = None,
    services_only: bool = False,
    in_process: bool = False,
    aws_port: int = 0,
    reload: bool = False,
    announce: Announce = print_line,
    log: Log = print_log_line,
    ready: OnReady | None = None,
) -> int:
    """
    Run AWS on this machine, with the site on `port` or with `command`, until that ends or a signal comes.

    If a port is taken, announce the next free one and use it. With `reload`, restart the web server and the
    workers when code changes. Once everything answers, call `ready` with the addresses, the environment and
    the path of the environment file.

    Return the exit code of the command or the web server, or 0 after Ctrl-C or SIGTERM. Raise
    NotThisMachine before anything starts, and StackFailed if TASKS can't be deployed.
    """
    refuse_other_aws(os.environ)
    site_port = None
    if command is None and not services_only:
        site_port = choose_port(port, "the web server", "--port", announce)
    aws_port = choose_port(aws_port, "AWS's interfaces", "--aws-port", announce)
    missing = runtime_client_missing()
    if missing and not in_process:
        announce(f"  Handlers run in this process, where no timeout stops them, because {missing}.")
        in_process = True
    aws = LocalAWS(
        in_process=in_process,
        background=True,
        concurrency=concurrency,
        aws_port=aws_port,
        announce=announce,
        log=lambda line: None if isinstance(line, LogLine) and line.metric else log(line),
    )
    child_command = list(command or ()) if site_port is None else runserver_command(site_port, reload=reload)
    session = Session(
        aws, child_command, site_port, announce, ready, restart_workers=reload and not in_process
    )
    if not in_process:
        return session.run()
    with handler_of_root(LogHandler(log)):
        return session.run()


@contextmanager
def handler_of_root(handler: logging.Handler) -> Iterator[None]:
    """Show with this handler, until the block ends, what tasks in this process log."""
    root = logging.getLogger()
    level = root.level
    show_task_logs(handler)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def choose_port(preferred: int, purpose: str, option: str, announce: Announce) -> int:
    """Return a free port, and announce it if it isn't the preferred one."""
    port = free_port(preferred, purpose, f"Choose another with {option}.")
    if preferred and port != preferred:
        announce(f"  Another program uses port {preferred}, so {purpose} will use port {port}.")
    return port


class Session:
    """
    One run of serve().

    The main thread only starts the site or the command, waits for it, and reads which signals came. Work that
    takes long runs in other threads, and the wait for their end has a limit.
    """

    def __init__(
        self,
        aws: LocalAWS,
        command: list[str],
        site_port: int | None,
        announce: Announce,
        on_ready: OnReady | None,
        *,
        restart_workers: bool,
    ) -> None:
        self._aws, self._command = aws, command
        self._site = None if site_port is None else f"http://{LOOPBACK}:{site_port}"
        self._site_port = site_port
        self._announce, self._on_ready = announce, on_ready
        self._files = project_files(announce) if restart_workers else None
        self._forgotten = Forgotten(aws, announce)
        self._slow_start = SlowStart(announce)
        self._started_at = time.monotonic()
        self._child: ChildProcess | None = None

    def run(self) -> int:
        exits = ExitStack()
        with Interrupts() as interrupts:
            try:
                if self.start(interrupts, exits):
                    code = self.wait(interrupts)
                else:
                    self._announce("Stopping everything.")
                    code = 0
            finally:
                self.close(exits)
        return code

    def start(self, interrupts: Interrupts, exits: ExitStack) -> bool:
        """Start AWS, deploy the stacks, and start the site or the command. Return False after a signal."""
        self._forgotten.announce_last()
        exits.callback(self._aws.close)
        if not Background("start", self._start_aws).wait(
            interrupts, lambda: self._slow_start.waiting_for(self._aws.step)
        ):
            return False
        if other := other_start():
            self._announce(other)
        self._env_file = os.path.relpath(exits.enter_context(env_file(self._aws.session)))
        stop = threading.Event()
        exits.callback(stop.set)
        threading.Thread(target=self._forgotten.watch, args=(stop,), name="unfinished", daemon=True).start()
        if self._files is not None:
            watch_args = (stop, Reloader(self._aws, self._announce))
            threading.Thread(target=self._files.watch, args=watch_args, name="code", daemon=True).start()
        if self._site is None:
            self._report_ready("AWS on this machine")
        # The site or command starts last, because a task can't be enqueued before the stack has its queue.
        if self._command:
            watchdog = Watchdog()
            exits.callback(watchdog.close)
            environment = {**self._aws.environment, **(site_environment() if self._site is not None else {})}
            # A command that reads from the terminal must stay in the terminal's group.
            own_group = self._site is not None or not sys.stdin.isatty()
            self._child = ChildProcess(self._command, environment, watchdog, own_group=own_group)
            exits.callback(self._child.end)
        return True

    def _start_aws(self) -> None:
        self._aws.open()
        self._aws.deploy()
        self._aws.feed()

    def wait(self, interrupts: Interrupts) -> int:
        """Wait until the site or command ends, and return its exit code. Announce when the site answers."""
        site_ready = False
        while True:
            returncode = self._child.poll() if self._child is not None else None
            if returncode is not None:
                code = exit_code(returncode)
                if self._site is None or interrupts.number is not None:
                    return code
                self._announce("The web server stopped unexpectedly. Its last lines above show why.")
                return code or 1
            for number in interrupts.take():
                if self._site is not None or self._child is None:
                    self._announce("Stopping everything.")
                    return 0
                # The command decides what a signal means, and its exit code is the result.
                self._child.pass_on(number)
            if self._site_port is not None and not site_ready:
                site_ready = site_answers(self._site_port)
                if site_ready:
                    self._report_ready(str(self._site), " Press Ctrl-C to stop everything.")
                else:
                    self._slow_start.waiting_for("the web server doesn't answer yet")
            time.sleep(POLL_SECONDS)

    def close(self, exits: ExitStack) -> None:
        """Stop everything, and announce what was forgotten with it."""
        if not Background("stop", exits.close).join(CLOSE_SECONDS):
            self._announce(f"Not everything stopped within {CLOSE_SECONDS:.0f} s. The rest is killed.")
        self._forgotten.announce()

    def _report_ready(self, what: str, advice: str = "") -> None:
        """Announce that `what` is ready, with a table of everything that was started."""
        rows = list(report_rows(self._aws, self._site, self._env_file, self._files))
        for line in table_lines(rows):
            self._announce(line)
        self._announce(f"{what} is ready after {time.monotonic() - self._started_at:.1f} s.{advice}")
        if self._on_ready is not None:
            self._on_ready(
                {
                    **({} if self._site is None else {"site": self._site}),
                    "env_file": str(ENV_FILE.absolute()),
                    "environment": self._aws.environment,
                    "started": [{"what": name, "where": place} for name, place in rows],
                }
            )
