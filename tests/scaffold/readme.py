"""What the pages tell people to do in their own project, read so that tests do it to the letter."""

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DEPLOY = ROOT / "django_app" / "docs" / "how_to" / "deploy.md"
# The ten lines at the top of the README, its steps, and what the page on deploying adds.
PITCH, STEPS, DEPLOYING = "# django-offload", "## In your project", "## What `offload_init` writes"
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"^# (?P<name>\S+\.py)(?P<append>, at its end)?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one file of the project gets."""

    name: str
    append: bool
    text: str


def blocks(heading: str, language: str, page: Path = README) -> list[str]:
    """Return the blocks of a language below a heading, in their order."""
    section = page.read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    return [
        textwrap.dedent(block["text"]) for block in _BLOCK.finditer(section) if block["language"] == language
    ]


def commands() -> list[str]:
    """Return what the README has people type, without the remarks beside it."""
    return _lines(blocks(STEPS, "sh"))


def deploying_commands() -> list[str]:
    """Return what the page has people type to prepare a project for deploying."""
    return _lines(blocks(DEPLOYING, "sh", DEPLOY))


def files() -> list[Part]:
    """Return what the README has people write, by file."""
    return _parts(blocks(STEPS, "python"))


def pitch() -> list[Part]:
    """Return the files of the ten lines at the README's top: a task and the view that enqueues it."""
    return _parts(blocks(PITCH, "python"))


def status() -> dict[str, Any]:
    """Return what the README says that the status contains once the task has ended."""
    (block,) = blocks(STEPS, "json")
    contents: dict[str, Any] = json.loads(block)
    return contents


def _lines(texts: list[str]) -> list[str]:
    lines = (line.partition("  #")[0].strip() for text in texts for line in text.splitlines())
    return [line for line in lines if line]


def _parts(texts: list[str]) -> list[Part]:
    parts = []
    for text in texts:
        heads = list(_FILE.finditer(text))
        ends = [head.start() for head in heads[1:]] + [len(text)]
        for head, end in zip(heads, ends, strict=True):
            code = text[head.end() : end].rstrip() + "\n"
            parts.append(Part(name=head["name"], append=bool(head["append"]), text=code))
    return parts
