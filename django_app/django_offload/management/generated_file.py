"""Commands that print a text made from the settings, write it to a file, or check such a file."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from .base import EXIT_OK, OffloadCommand


class GeneratingCommand(OffloadCommand):
    """A command with the options --output and --check. Its run() ends with publish()."""

    def add_destination(self, parser: ArgumentParser, what: str) -> None:
        """Add the options that say where the text goes. Without one of them it goes to stdout."""
        destination = parser.add_mutually_exclusive_group()
        destination.add_argument("--output", metavar="FILE", type=Path, help=f"Write the {what} to FILE.")
        destination.add_argument(
            "--check", metavar="FILE", type=Path, help=f"Exit with 1 if FILE isn't the current {what}."
        )

    def publish(self, text: str, command: str, options: dict[str, Any]) -> int:
        """
        Print the text, write it or compare it with a file, and return the exit code.

        `command` makes the text again, with the options that decide what is in it. Raise CommandError if the
        file is stale, or can't be read or written.
        """
        file: Path | None = options["check"] or options["output"]
        if file is None:
            self.stdout.write(text, ending="")
            return EXIT_OK
        remedy = f"manage.py {command} --output {shlex.quote(str(file))}"
        try:
            if options["output"]:
                file.write_text(text, encoding="utf-8")
                return EXIT_OK
            current = file.read_text(encoding="utf-8")
        except OSError as exc:
            if options["output"]:
                message = f"{file} can't be written ({exc.strerror}). Name a file in a folder that exists."
            else:
                message = f"{file} can't be read ({exc.strerror}). Write it with {remedy}."
            raise self.usage_error(message) from exc
        if current != text:
            raise self.failure(f"{file} is stale. Run {remedy} and commit it.")
        return EXIT_OK
