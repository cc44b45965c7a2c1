"""manage.py offload_local: run AWS on this machine, together with the site or a command."""

import os
import threading
from typing import Any

from django.core.management.base import CommandParser

from ...local.lambda_.log_lines import LogLine, wants_colour
from ...local.serve.session import serve
from ..base import OffloadCommand

LAST_PORT = 65_535


class Command(OffloadCommand):
    help = (
        "Run AWS on this machine, without an account and without Docker: the stack of TASKS, its queues with "
        "workers, and the sweeper on its schedule. Also run the site, or a command that uses them. When code "
        "changes, the web server and the workers restart."
    )
    json_help = "Print addresses and environment as JSON when everything is ready; write logs to stderr."
    example = """
manage.py offload_local --port 8001 --concurrency 4
manage.py offload_local -- pytest tests/integration
manage.py offload_local --services-only
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="The port of the web server (8000), or the next free one."
        )
        parser.add_argument(
            "--aws-port", type=int, default=0, help="The port of the AWS endpoint (any free one)."
        )
        parser.add_argument(
            "--concurrency", type=int, help="Concurrent workers of each queue (the number of cores)."
        )
        parser.add_argument(
            "--services-only", action="store_true", help="Run only AWS, without web server or command."
        )
        parser.add_argument(
            "--in-process",
            action="store_true",
            help="Run handlers in threads of this process, for a debugger. They have no timeout.",
        )
        parser.add_argument(
            "--noreload",
            action="store_false",
            dest="reload",
            help="Don't restart workers and web server when code changes.",
        )
        parser.add_argument(
            "command", nargs="*", metavar="COMMAND", help="After --: run this instead of the web server."
        )

    def run(self, **options: Any) -> int:
        if options["concurrency"] is not None and options["concurrency"] < 1:
            raise self.usage_error("--concurrency must be 1 or more.")
        for option in ("port", "aws_port"):
            if not 0 <= options[option] <= LAST_PORT:
                raise self.usage_error(f"--{option.replace('_', '-')} must be from 0 to {LAST_PORT}.")
        if options["command"] and options["services_only"]:
            raise self.usage_error("--services-only runs no command. Remove it, or the command.")
        if threading.current_thread() is not threading.main_thread():
            raise self.usage_error(
                "offload_local reacts to Ctrl-C, which only the main thread of a program can do. Start it in "
                "a process of its own."
            )
        # With --json, stdout contains only JSON.
        stream = self.stderr if self.as_json else self.stdout
        coloured = options["force_color"] or (not options["no_color"] and wants_colour(stream, os.environ))

        def write_log(line: str) -> None:
            stream.write(line.painted() if coloured and isinstance(line, LogLine) else line, str)
            stream.flush()

        def announce(line: str) -> None:
            self.write_line(line)
            self.stdout.flush()

        def write_addresses(addresses: object) -> None:
            self.write_json(addresses)
            self.stdout.flush()

        return serve(
            port=options["port"],
            aws_port=options["aws_port"],
            concurrency=options["concurrency"],
            services_only=options["services_only"],
            in_process=options["in_process"],
            reload=options["reload"],
            command=options["command"] or None,
            announce=announce,
            log=write_log,
            ready=write_addresses,
        )
