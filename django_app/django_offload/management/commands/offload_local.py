"""manage.py offload_local: AWS on this machine, with the site or a command beside it."""

import os
from typing import Any

from django.core.management.base import CommandParser

from ...local.lambda_.log_lines import LogLine, wants_colour
from ...local.serve.session import serve
from ..base import OffloadCommand

LAST_PORT = 65_535


class Command(OffloadCommand):
    help = (
        "Run AWS on this machine, without an account and without Docker: the stack of TASKS, queues that "
        "feed workers, the sweeper on its schedule; and the site, or a command, that uses it. When code "
        "changes, web server and workers start anew."
    )
    json_help = (
        "Print addresses and environment as JSON when all is ready; what functions say goes to stderr."
    )
    example = """
manage.py offload_local --port 8001 --concurrency 4
manage.py offload_local -- pytest tests/integration
manage.py offload_local --services-only
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help="Port of the web server (8000); the next free one if it is taken.",
        )
        parser.add_argument(
            "--aws-port", type=int, default=0, help="Port of AWS's interfaces (any free one)."
        )
        parser.add_argument(
            "--concurrency", type=int, help="Workers of each queue at once (as many as there are cores)."
        )
        parser.add_argument(
            "--services-only", action="store_true", help="Run no web server and no command: only AWS."
        )
        parser.add_argument(
            "--in-process",
            action="store_true",
            help="Run handlers in threads of this process, for a debugger; no timeout ends them.",
        )
        parser.add_argument(
            "--noreload",
            action="store_false",
            dest="reload",
            help="Leave workers and web server alone when code changes.",
        )
        parser.add_argument(
            "command", nargs="*", metavar="COMMAND", help="After --: run this instead of the web server."
        )

    def answer(self, **options: Any) -> int:
        stream = self.stderr if self.as_json else self.stdout
        self._coloured = options["force_color"] or (
            not options["no_color"] and wants_colour(stream, os.environ)
        )
        if options["concurrency"] is not None and options["concurrency"] < 1:
            raise self.unusable("--concurrency must be 1 or more.")
        for option in ("port", "aws_port"):
            if not 0 <= options[option] <= LAST_PORT:
                raise self.unusable(f"--{option.replace('_', '-')} must be from 0 to {LAST_PORT}.")
        if options["command"] and options["services_only"]:
            raise self.unusable("--services-only runs no command: give one or the other.")
        return serve(
            port=options["port"],
            aws_port=options["aws_port"],
            concurrency=options["concurrency"],
            services_only=options["services_only"],
            in_process=options["in_process"],
            reload=options["reload"],
            command=options["command"] or None,
            announce=self.announce,
            log=self.log,
            ready=self.data,
        )

    def announce(self, line: str) -> None:
        self.line(line)
        self.stdout.flush()

    def log(self, line: str) -> None:
        """Pass on a line of a function."""
        stream = self.stderr if self.as_json else self.stdout
        stream.write(line.painted() if self._coloured and isinstance(line, LogLine) else line, str)
        stream.flush()

    def data(self, value: object) -> None:
        super().data(value)
        self.stdout.flush()
