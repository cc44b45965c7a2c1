"""manage.py offload_template: print, write or check the CloudFormation template of a stack."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...stack import stacks, template_of
from ..base import EXIT_OK, OffloadCommand


class Command(OffloadCommand):
    help = "Print the CloudFormation template of the stack that TASKS describes."
    example = """
manage.py offload_template --output infra/template.yaml
manage.py offload_template --check infra/template.yaml
"""
    json_help = "Print the template as JSON instead of YAML."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stack", help="The stack, if TASKS names several.")
        destination = parser.add_mutually_exclusive_group()
        destination.add_argument("--output", metavar="FILE", type=Path, help="Write the template to FILE.")
        destination.add_argument(
            "--check", metavar="FILE", type=Path, help="Exit with 1 if FILE isn't the current template."
        )

    def run(self, **options: Any) -> int:
        template = template_of(self.select_stack(list(stacks()), options["stack"]), as_json=self.as_json)
        file: Path | None = options["check"] or options["output"]
        if file is None:
            self.stdout.write(template, ending="")
            return EXIT_OK
        command = f"manage.py offload_template --output {file}"
        try:
            if options["output"]:
                file.write_text(template, encoding="utf-8")
                return EXIT_OK
            current = file.read_text(encoding="utf-8")
        except OSError as exc:
            if options["output"]:
                message = f"{file} can't be written ({exc.strerror}). Name a file in a folder that exists."
            else:
                message = f"{file} can't be read ({exc.strerror}). Write it with {command}."
            raise self.usage_error(message) from exc
        if current != template:
            raise self.failure(f"{file} is stale. Run {command} and commit it.")
        return EXIT_OK
