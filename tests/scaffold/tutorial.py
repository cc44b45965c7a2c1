"""The first lesson of the tutorial, read so that a test does it to the letter."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "django_app" / "docs" / "tutorial" / "first_task.md"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:# |\{# )(?P<name>\S+?)(?P<how>, [^\n]+?)?(?: #\})?\n")
AT_THE_END, LAST_LINE = ", at its end", ", instead of its last line"


def blocks(*languages: str) -> list[str]:
    return [found["text"] for found in BLOCK.finditer(PAGE.read_text()) if found["language"] in languages]


def commands() -> list[str]:
    """Return what the lesson has people type, in order."""
    return [line for text in blocks("sh") for line in text.splitlines()]


def files() -> list[tuple[str, str, str]]:
    """Return each file of the lesson: its name, how the text belongs into it, and the text."""
    found = [(FILE.match(text), text) for text in blocks("python", "html")]
    return [(head["name"], head["how"] or "", text[head.end() :]) for head, text in found if head]


def write(folder: Path, name: str, how: str, text: str) -> None:
    """Do to a file what the lesson says."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if path.exists() else ""
    if how == AT_THE_END:
        text = f"{before}\n{text}"
    elif how == LAST_LINE:
        text = "".join([*before.splitlines(keepends=True)[:-1], text])
    path.write_text(text)
