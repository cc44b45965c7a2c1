"""The commands of infra/README.md, from an empty account to a running site, as they stand there."""

import re
import shlex

from .project import ROOT

SECTION = "## From an empty account to a running site"
PYTHON = ".venv/bin/python"


def commands() -> list[list[str]]:
    """Return the section's commands in their order, each as its words."""
    section = (ROOT / "infra" / "README.md").read_text().partition(SECTION)[2].partition("\n## ")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


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
