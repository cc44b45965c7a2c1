"""The base class of every offload_* command: exit codes, --help with an example, errors in one line."""

import os
import sys
from argparse import SUPPRESS
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser, DjangoHelpFormatter

from ..aws import clients, each_at_most
from ..aws.explain import explain
from ..compat import InvalidTask
from ..conf import configured
from ..deploy.stage import ENV_STAGE
from ..exceptions import OffloadError
from ..logs.escaping import INDENT, escape_controls
from .json_output import stdout_for_json
from .output import Output

EXIT_OK, EXIT_PROBLEM, EXIT_USAGE = 0, 1, 2
# What shells report for a command that Ctrl-C or a closed pipe has stopped.
EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 130, 141
NO_BACKEND = (
    "TASKS has no django_offload backend. Give an alias the BACKEND 'django_offload.backends.SQSBackend' "
    "and OPTIONS with a 'stack'."
)


class HelpFormatter(DjangoHelpFormatter):
    """Order the options as Django does, and keep the line breaks of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in text.splitlines())


class OffloadCommand(Output):
    """
    A command that ends with exit code 0 (fine), 1 (it found a problem) or 2 (wrong usage or environment).

    Subclasses write `run()`. If it raises an error of django-offload, of Django's configuration or of AWS,
    the command prints one line on stderr and exits with code 2. Add --traceback to see the traceback.
    """

    # Commands to copy, one a line. --help shows them at its end.
    example: ClassVar[str] = ""
    json_help: ClassVar[str] = "Print JSON for programs."
    # True if the process was started for this command, and not by a program that calls it.
    is_process = False
    # Most commands need no checks, and offload_doctor must run when checks fail.
    requires_system_checks = ()
    # The seconds that one call to AWS may take, with its retries. None is for calls that do long work there.
    seconds_a_call: ClassVar[float | None] = None

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if self.example:
            kwargs.setdefault("epilog", example_epilog(self.example))
        kwargs.setdefault("formatter_class", HelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", dest="json", help=self.json_help)
        return parser

    def add_common_arguments(self, action_parser: CommandParser) -> None:
        """Accept the options of every command also after the name of an action."""
        action_parser.add_argument("--json", action="store_true", default=SUPPRESS, help=self.json_help)
        for flag in ("--traceback", "--no-color", "--force-color"):
            action_parser.add_argument(flag, action="store_true", default=SUPPRESS, help=SUPPRESS)
        for option in ("--settings", "--pythonpath"):
            action_parser.add_argument(option, default=SUPPRESS, help=SUPPRESS)
        action_parser.add_argument(
            "-v", "--verbosity", type=int, choices=range(4), default=SUPPRESS, help=SUPPRESS
        )

    def run(self, **options: Any) -> int:
        """Do the command's work and return its exit code."""
        raise NotImplementedError("subclasses of OffloadCommand must provide a run() method")

    def run_from_argv(self, argv: list[str]) -> None:
        self.is_process = True
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = options["json"]
        # A stage is deployed, so its name asks for AWS and not for this machine.
        names_stage = options.get("stage") or os.environ.get(ENV_STAGE)
        try:
            with (
                clients.aws_allowed() if names_stage else nullcontext(),
                each_at_most(self.seconds_a_call) if self.seconds_a_call else nullcontext(),
                self.kept_for_json(),
            ):
                # Inside, because a stream that is configured is flushed.
                self.configure_output(
                    as_json=options["json"],
                    no_color=options["no_color"],
                    force_color=options["force_color"],
                )
                exit_code = self.run(**options)
                self.stdout.flush()
        except KeyboardInterrupt as exc:
            raise CommandError(
                "Stopped by Ctrl-C. Completed steps aren't undone.", returncode=EXIT_INTERRUPTED
            ) from exc
        except BrokenPipeError:
            # The reader, such as head, closed the pipe. Without this, Python's flush at exit fails again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            exit_code = EXIT_BROKEN_PIPE
        except Exception as exc:
            message = error_message(exc)
            if message is None:
                raise
            # Further lines are indented, so that no exception's text looks like a message of the command.
            raise self.usage_error(message.replace("\n", f"\n{INDENT}")) from exc
        if exit_code != EXIT_OK:
            sys.exit(exit_code)

    @contextmanager
    def kept_for_json(self) -> Iterator[None]:
        """With --json, write only JSON to stdout, whatever the project prints and logs meanwhile."""
        wrapper: Any = self.stdout
        if not self.as_json or wrapper._out is not sys.stdout:
            yield
            return
        with stdout_for_json(is_process=self.is_process) as stream:
            wrapper._out = stream
            try:
                yield
            finally:
                wrapper._out = sys.stdout

    def failure(self, message: str) -> CommandError:
        """Return the error to raise when the command found a problem (exit code 1)."""
        return CommandError(escape_controls(message), returncode=EXIT_PROBLEM)

    def usage_error(self, message: str) -> CommandError:
        """Return the error to raise for wrong usage or a wrong environment (exit code 2)."""
        return CommandError(escape_controls(message), returncode=EXIT_USAGE)

    def confirmed(self, options: dict[str, Any], question: str, shown: str = "the changes") -> bool:
        """
        Return True with --yes or if the user agrees. Raise CommandError if there is no terminal to ask.

        `shown` is what --dry-run shows.
        """
        if options["yes"]:
            return True
        if self.as_json or sys.stdin is None or not sys.stdin.isatty():
            raise self.usage_error(
                f"This needs a confirmation, but there's no terminal to ask on. Add --yes, or see {shown} "
                "first with --dry-run."
            )
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

    def require_backend(self) -> None:
        """Raise CommandError if no alias of TASKS uses a backend of django-offload."""
        if not configured():
            raise self.usage_error(NO_BACKEND)

    def require_positive(self, option: str, value: float) -> None:
        """Raise CommandError if the value of `option` isn't a finite number above 0."""
        if not 0 < value < float("inf"):  # NaN fails this comparison too.
            raise self.usage_error(f"{option} must be above 0.")

    def select_stack(self, stacks: Sequence[str], name: str | None) -> str:
        """Return the stack called `name`, or the only one. Raise CommandError if the choice isn't clear."""
        if not stacks:
            raise self.usage_error(NO_BACKEND)
        if name is None and len(stacks) > 1:
            raise self.usage_error(
                f"TASKS names several stacks. Add --stack with one of {', '.join(stacks)}."
            )
        if name is not None and name not in stacks:
            raise self.usage_error(f"TASKS names no stack '{name}'. Use {' or '.join(stacks)}.")
        return name or stacks[0]


def error_message(exc: Exception) -> str | None:
    """Return what happened and what to do, on one line, or None if the error is a bug."""
    if isinstance(exc, (OffloadError, ImproperlyConfigured, InvalidTask)):
        return explain(exc) or str(exc)
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"{exc.filename}: {exc.strerror}. Name another file, or correct its permissions."
    return explain(exc)


def example_epilog(example: str) -> str:
    """Return the end of --help: commands to copy."""
    return "\n".join(["example:", *(f"  {line}" for line in example.strip().splitlines())])
