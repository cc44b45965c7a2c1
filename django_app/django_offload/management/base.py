"""The base of every offload_* command: exit codes, --help with an example, and errors as one sentence."""

import os
import sys
from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser, DjangoHelpFormatter

from ..aws.explain import explain
from ..exceptions import OffloadError
from .output import Output

FINE, WRONG, UNUSABLE = 0, 1, 2
# What shells say of a command that Ctrl-C, or a reader that has gone, has ended.
INTERRUPTED, UNREAD = 130, 141


class HelpFormatter(DjangoHelpFormatter):
    """Django's order of options, with the line breaks of examples kept."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in text.splitlines())


class OffloadCommand(Output):
    """
    A command that answers with an exit code: 0 fine, 1 found something wrong, 2 usage or environment.

    Subclasses write `answer()`. An error of ours, of Django's configuration or of AWS becomes
    one sentence on stderr and exit code 2; --traceback shows where it came from.
    """

    # What a reader may copy, shown at the end of --help: one command a line.
    example: ClassVar[str] = ""
    json_help: ClassVar[str] = "Print JSON, for programs to read."
    # A command that diagnoses must run where checks fail; most need no check at all.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if self.example:
            kwargs.setdefault("epilog", epilog(self.example))
        kwargs.setdefault("formatter_class", HelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", dest="json", help=self.json_help)
        return parser

    def add_shared_arguments(self, action: CommandParser) -> None:
        """Let what every command takes stand behind the name of an action, too."""
        action.add_argument("--json", action="store_true", default=SUPPRESS, help=self.json_help)
        for flag in ("--traceback", "--no-color", "--force-color"):
            action.add_argument(flag, action="store_true", default=SUPPRESS, help=SUPPRESS)
        for option in ("--settings", "--pythonpath"):
            action.add_argument(option, default=SUPPRESS, help=SUPPRESS)
        action.add_argument("-v", "--verbosity", type=int, choices=range(4), default=SUPPRESS, help=SUPPRESS)

    def answer(self, **options: Any) -> int:
        """Do the command's work and return its exit code."""
        raise NotImplementedError("subclasses of OffloadCommand must provide an answer() method")

    def handle(self, *args: Any, **options: Any) -> None:
        self.speak(as_json=options["json"], no_color=options["no_color"], force_color=options["force_color"])
        try:
            code = self.answer(**options)
            self.stdout.flush()
        except KeyboardInterrupt as exc:
            raise CommandError("Ended by Ctrl-C: what was done stays done.", returncode=INTERRUPTED) from exc
        except BrokenPipeError:
            # Its reader, such as head, has seen enough; what is left would fail once more at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = UNREAD
        except Exception as exc:
            explanation = explain(exc) or _of_ours(exc)
            if explanation is None:
                raise
            raise CommandError(explanation, returncode=UNUSABLE) from exc
        if code != FINE:
            sys.exit(code)

    def wrong(self, sentence: str) -> CommandError:
        """Return the error to raise when the command found something wrong (exit code 1)."""
        return CommandError(sentence, returncode=WRONG)

    def unusable(self, sentence: str) -> CommandError:
        """Return the error to raise for wrong usage or environment (exit code 2)."""
        return CommandError(sentence, returncode=UNUSABLE)

    def above_zero(self, option: str, value: float) -> None:
        """Raise CommandError unless an option's value is a number above 0."""
        if not 0 < value < float("inf"):  # What is not a number is neither.
            raise self.unusable(f"{option} must be above 0.")

    def one_stack(self, known: Sequence[str], asked: str | None) -> str:
        """Return the stack to work on, of those TASKS names. Raise CommandError where that is not certain."""
        if not known:
            raise self.unusable(
                "TASKS has no alias with a backend of django-offload: give one the BACKEND "
                "'django_offload.backends.SQSBackend' and OPTIONS with a 'stack'."
            )
        if asked is None and len(known) > 1:
            raise self.unusable(f"TASKS names several stacks: add --stack with one of {', '.join(known)}.")
        if asked is not None and asked not in known:
            raise self.unusable(f"TASKS names no stack '{asked}': use {' or '.join(known)}.")
        return asked or known[0]


def _of_ours(exc: Exception) -> str | None:
    """Return what an error says that names its remedy, or is about a file; None of others."""
    if isinstance(exc, (OffloadError, ImproperlyConfigured)):
        return str(exc)
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"{exc.filename}: {exc.strerror}. Name another file, or change whose this one is."
    return None


def epilog(example: str) -> str:
    """Return the end of --help: commands that a reader may copy."""
    return "\n".join(["example:", *(f"  {line}" for line in example.strip().splitlines())])
