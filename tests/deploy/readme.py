"""The commands of infra/README.md, from an empty account to a running site, as they stand there."""

import re
import shlex
import textwrap

from .project import ROOT

SECTION = "## From an empty account to a running site"
OWN = "## Your own project"
PYTHON = ".venv/bin/python"


def commands() -> list[list[str]]:
    """Return the section's commands in their order, each as its words."""
    return [shlex.split(line) for block in _blocks(SECTION, "sh") for line in block.splitlines()]


def own_commands() -> list[str]:
    """Return what is typed in a project of one's own, in its order."""
    return [line.strip() for block in _blocks(OWN, "sh") for line in block.splitlines()]


def own_file(language: str) -> str:
    """Return the one block of a language that a project of one's own gets."""
    (found,) = _blocks(OWN, language)
    return textwrap.dedent(found)


def _blocks(heading: str, language: str) -> list[str]:
    section = (ROOT / "infra" / "README.md").read_text().partition(heading)[2].partition("\n## ")[0]
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)


def of_the_project(*words: str) -> list[str]:
    """Return the one management command that ends in `words`, without the interpreter before it."""
    (found,) = [
        command[2:]
        for command in commands()
        if command[0] == PYTHON and tuple(command[-len(words) :]) == words
    ]
    return found


def parameters() -> dict[str, str]:
    """Return the parameters that the reader puts into Systems Manager, and the variable with each value."""
    return {
        command[command.index("--name") + 1]: command[command.index("--value") + 1].removeprefix("$")
        for command in commands()
        if command[:3] == ["aws", "ssm", "put-parameter"]
    }
