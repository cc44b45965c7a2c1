"""Print, write or check the CloudFormation template of a stack."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...stack import stacks, template_of
from ..base import FINE, OffloadCommand


class Command(OffloadCommand):
    help = "Print the CloudFormation template of the stack that TASKS describes."
    example = """
manage.py offload_template --output infra/template.yaml
manage.py offload_template --check infra/template.yaml
"""
    json_help = "The template as JSON instead of YAML."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stack", help="Which stack, where TASKS names several.")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--output", metavar="FILE", type=Path, help="Write the template to FILE.")
        where.add_argument(
            "--check",
            metavar="FILE",
            type=Path,
            help="Exit with 1 when FILE is not what would be written to it.",
        )

    def answer(self, **options: Any) -> int:
        text = template_of(self.one_stack(list(stacks()), options["stack"]), as_json=self.as_json)
        if options["check"]:
            self._check(options["check"], text)
        elif options["output"]:
            self._write(options["output"], text)
        else:
            self.stdout.write(text, ending="")
        return FINE

    def _write(self, file: Path, text: str) -> None:
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise self.unusable(
                f"{file} cannot be written ({exc.strerror}): name a file in a folder of yours."
            ) from exc

    def _check(self, file: Path, text: str) -> None:
        try:
            found = file.read_text(encoding="utf-8")
        except OSError as exc:
            raise self.unusable(
                f"{file} cannot be read ({exc.strerror}): write it with --output {file}."
            ) from exc
        if found != text:
            raise self.wrong(
                f"{file} is stale: run manage.py offload_template --output {file} and commit it."
            )
