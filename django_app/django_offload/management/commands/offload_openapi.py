"""manage.py offload_openapi: print, write or check the OpenAPI document of a project's tasks."""

import json
import shlex
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from ...http.openapi import openapi_document
from ..base import EXIT_OK, OffloadCommand

TITLE = "Tasks"


def given(options: Mapping[str, Any]) -> list[str]:
    """Return the options that decide what is in the document, as they were given."""
    urlconf = ["--urlconf", options["urlconf"]] if options["urlconf"] else []
    return urlconf + (["--title", options["title"]] if options["title"] != TITLE else [])


class Command(OffloadCommand):
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
        destination = parser.add_mutually_exclusive_group()
        destination.add_argument("--output", metavar="FILE", type=Path, help="Write the document to FILE.")
        destination.add_argument(
            "--check", metavar="FILE", type=Path, help="Exit with 1 if FILE isn't the current document."
        )

    def run(self, **options: Any) -> int:
        urlconf = options["urlconf"] or getattr(settings, "ROOT_URLCONF", None)
        if not urlconf:
            raise self.usage_error("The settings have no ROOT_URLCONF. Set it, or add --urlconf MODULE.")
        try:
            document = openapi_document(urlconf, options["title"])
        except ModuleNotFoundError as exc:
            raise self.usage_error(f"{urlconf} can't be imported ({exc}). Correct --urlconf.") from exc
        text = json.dumps(document, indent=2) + "\n"
        file: Path | None = options["check"] or options["output"]
        if file is None:
            self.stdout.write(text, ending="")
            return EXIT_OK
        command = shlex.join(["manage.py", "offload_openapi", *given(options), "--output", str(file)])
        try:
            if options["output"]:
                file.write_text(text, encoding="utf-8")
                return EXIT_OK
            current = file.read_text(encoding="utf-8")
        except OSError as exc:
            if options["output"]:
                message = f"{file} can't be written ({exc.strerror}). Name a file in a folder that exists."
            else:
                message = f"{file} can't be read ({exc.strerror}). Write it with {command}."
            raise self.usage_error(message) from exc
        if current != text:
            raise self.failure(f"{file} is stale. Run {command} and commit it.")
        return EXIT_OK
