"""manage.py offload_template: print, write or check the CloudFormation template of a stack."""

from argparse import ArgumentParser
from typing import Any

from ...stack import stacks, template_of
from ..generated_file import GeneratingCommand


class Command(GeneratingCommand):
    help = "Print the CloudFormation template of the stack that TASKS describes."
    example = """
manage.py offload_template --output infra/template.yaml
manage.py offload_template --check infra/template.yaml
"""
    json_help = "Print the template as JSON instead of YAML."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stack", help="The stack, if TASKS names several.")
        self.add_destination(parser, "template")

    def run(self, **options: Any) -> int:
        template = template_of(self.select_stack(list(stacks()), options["stack"]), as_json=self.as_json)
        return self.publish(template, "offload_template", options)
