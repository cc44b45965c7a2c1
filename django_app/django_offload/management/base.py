"""The base of every offload_* command: output, exit codes, and errors as one sentence."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.core.serializers.json import DjangoJSONEncoder

from ..exceptions import OffloadError
from .aws_errors import explain

FINE, WRONG, UNUSABLE = 0, 1, 2
# What a task raised or was given is shown as text, and never moves the cursor or retitles the window.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


class _HelpFormatter(argparse.RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's order of options, with the line breaks of examples kept."""


class OffloadCommand(BaseCommand):
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

    as_json = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if self.example:
            lines = "\n".join(f"  {line}" for line in self.example.strip().splitlines())
            kwargs.setdefault("epilog", f"example:\n{lines}")
        kwargs.setdefault("formatter_class", _HelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", dest="json", help=self.json_help)
        return parser

    def answer(self, **options: Any) -> int:
        """Do the command's work and return its exit code."""
        raise NotImplementedError("subclasses of OffloadCommand must provide an answer() method")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = options["json"]
        try:
            code = self.answer(**options)
        except Exception as exc:
            explanation = explain(exc)
            if explanation is None and isinstance(exc, (OffloadError, ImproperlyConfigured)):
                explanation = str(exc)
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

    def line(self, text: str = "") -> None:
        """Print `text`, control characters as \\x..; not with --json: then only `data` may be on stdout."""
        if not self.as_json:
            self.stdout.write(text.translate(_CONTROLS))

    def data(self, value: object) -> None:
        """Print `value` as JSON where --json asks for it, instants and durations as ISO 8601."""
        if self.as_json:
            self.stdout.write(json.dumps(value, indent=2, cls=DjangoJSONEncoder))

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print `rows` below `headings` in aligned columns, numbers to the right; not with --json."""
        found = [list(row) for row in rows]
        columns = [_column(heading, [row[i] for row in found]) for i, heading in enumerate(headings)]
        for cells in zip(*columns, strict=True):
            self.line("  ".join(cells).rstrip())


def _column(heading: str, values: Sequence[object]) -> list[str]:
    """Return the cells of a column, its heading first, all of one width."""
    cells = [heading, *("" if value is None else str(value) for value in values)]
    width = max(map(len, cells))
    to_the_right = bool(values) and all(isinstance(value, (int, float)) for value in values)
    return [cell.rjust(width) if to_the_right else cell.ljust(width) for cell in cells]
