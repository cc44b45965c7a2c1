"""Read the commands of the pages that lead from an empty account to a running site."""

import re
import shlex
import textwrap
from pathlib import Path

from .project import ROOT

DOCS = ROOT / "django_app" / "docs"
PAGE, TUTORIAL = DOCS / "how_to" / "deploy.md", DOCS / "tutorial" / "deploy.md"
SECTION = "## From an empty account to a running site"
OWN = ("## Prepare the project", "## Deploy")
PYTHON = ".venv/bin/python"


def commands() -> list[list[str]]:
    """Return the section's commands in order, each split into words."""
    return [shlex.split(line) for block in _blocks(PAGE, SECTION, "sh") for line in block.splitlines()]


def own_commands() -> list[str]:
    """Return the commands for your own project, in order."""
    return [
        line.strip()
        for heading in OWN
        for block in _blocks(TUTORIAL, heading, "sh")
        for line in block.splitlines()
    ]


def own_file(language: str) -> str:
    """Return the only block of a language among the steps that prepare a project."""
    (found,) = _blocks(TUTORIAL, OWN[0], language)
    return textwrap.dedent(found)


def _blocks(page: Path, heading: str, language: str) -> list[str]:
    section = page.read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)


def of_the_project(*words: str) -> list[str]:
    """Return the only management command that ends in `words`, without the interpreter."""
    (found,) = [
        command[2:]
        for command in commands()
        if command[0] == PYTHON and tuple(command[-len(words) :]) == words
    ]
    return found


def parameters() -> dict[str, str]:
    """Return the Systems Manager parameters that the reader creates, with the variable of each value."""
    return {
        command[command.index("--name") + 1]: command[command.index("--value") + 1].removeprefix("$")
        for command in commands()
        if command[:3] == ["aws", "ssm", "put-parameter"]
    }
