"""manage.py offload_openapi: print, write or check the OpenAPI document of a project's tasks."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from ...http.openapi import openapi_document
from ..generated_file import GeneratingCommand


class Command(GeneratingCommand):
    help = "Print the OpenAPI 3.1 document of the URLs that show, cancel and start tasks."
    example = """
manage.py offload_openapi --output openapi.json
manage.py offload_openapi --check openapi.json
"""
    json_help = "Has no effect, because the document is JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--urlconf", metavar="MODULE", help="Describe these URLs, not those of ROOT_URLCONF."
        )
        parser.add_argument("--title", default="Tasks", help="The document's title. Default: %(default)s.")
        self.add_destination(parser, "document")

    def run(self, **options: Any) -> int:
        urlconf = options["urlconf"] or getattr(settings, "ROOT_URLCONF", None)
        if not urlconf:
            raise self.usage_error("The settings have no ROOT_URLCONF. Set it, or add --urlconf MODULE.")
        try:
            document = openapi_document(urlconf, options["title"])
        except ModuleNotFoundError as exc:
            raise self.usage_error(f"{urlconf} can't be imported ({exc}). Correct --urlconf.") from exc
        return self.publish(json.dumps(document, indent=2) + "\n", "offload_openapi", options)
