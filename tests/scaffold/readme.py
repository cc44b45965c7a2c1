"""What the README tells people to do who adopt this in their project: read, to be done to the letter."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
CODE, COMMANDS = "# django-offload", "## In your project"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^# (?P<name>\S+\.py)(?P<append>, at its end)?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one file of the project gets."""

    name: str
    append: bool
    text: str


def blocks(heading: str, language: str) -> list[str]:
    """Return the blocks of a language below a heading, in their order."""
    section = README.read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    return [block["text"] for block in _BLOCK.finditer(section) if block["language"] == language]


def commands() -> list[str]:
    """Return what the README has people type, without the remarks beside it."""
    lines = (
        line.partition("  #")[0].strip() for block in blocks(COMMANDS, "sh") for line in block.splitlines()
    )
    return [line for line in lines if line]


def files() -> list[Part]:
    """Return what the README has people write, by file."""
    found = []
    for block in blocks(CODE, "python"):
        heads = list(_FILE.finditer(block))
        ends = [head.start() for head in heads[1:]] + [len(block)]
        for head, end in zip(heads, ends, strict=True):
            text = block[head.end() : end].rstrip() + "\n"
            found.append(Part(name=head["name"], append=bool(head["append"]), text=text))
    return found
