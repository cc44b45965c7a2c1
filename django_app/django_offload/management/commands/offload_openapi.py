"""manage.py offload_openapi: print, write or check the OpenAPI document of a project's tasks."""

import json
import shlex
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from ...http.openapi import openapi_document
from ..generated_file import GeneratingCommand

TITLE = "Tasks"


def given(options: Mapping[str, Any]) -> list[str]:
    """Return the options that decide what is in the document, as they were given."""
    urlconf = ["--urlconf", options["urlconf"]] if options["urlconf"] else []
    return urlconf + (["--title", options["title"]] if options["title"] != TITLE else [])


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
        parser.add_argument("--title", default=TITLE, help="The document's title. Default: %(default)s.")
        self.add_destination(parser, "document")

    def run(self, **options: Any) -> int:
        urlconf = options["urlconf"] or getattr(settings, "ROOT_URLCONF", None)
        if not urlconf:
            raise self.usage_error("The settings have no ROOT_URLCONF. Set it, or add --urlconf MODULE.")
        try:
            document = openapi_document(urlconf, options["title"])
        except ModuleNotFoundError as exc:
            raise self.usage_error(f"{urlconf} can't be imported ({exc}). Correct --urlconf.") from exc
        command = shlex.join(["offload_openapi", *given(options)])
        return self.publish(json.dumps(document, indent=2) + "\n", command, options)
