"""The pages as tests read them: blocks of code, commands, tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "django_app" / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "infra" / "README.md", ROOT / "tests/contract/README.md"]
)
_FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_INDENTED = re.compile(r"(?<=\n\n)(?P<text>(?: {4}\S.*\n)+)")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code on a page."""

    page: Path
    line: int
    language: str  # Empty for a drawing, "sh" for what is indented.
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a page: what is typed, and the rows of its table."""

    title: str
    commands: list[str]
    rows: list[list[str]]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page."""
    text = page.read_text()
    for found in _FENCED.finditer(text):
        inner = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        yield Block(page=page, line=_line(text, found.start()), language=found["language"], text=inner)
    for found in _INDENTED.finditer(_without_fences(text)):
        inner = re.sub("^ {4}", "", found["text"], flags=re.MULTILINE)
        yield Block(page=page, line=_line(text, found.start()), language="sh", text=inner)


def fits_inline(page: Path) -> Iterator[str]:
    """Yield what stands between backticks on a page, tables included."""
    yield from _INLINE.findall(_without_fences(page.read_text()).replace("\\|", "|"))


def commands(text: str) -> list[str]:
    """Return the commands of a block, without the remarks beside them."""
    lines = (line.partition("  #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def sections(page: Path) -> list[Section]:
    """Return the sections of a page."""
    _, *parts = _SECTION.split(page.read_text())
    return [
        Section(
            title=title,
            commands=[line for found in _FENCED.finditer(text) for line in commands(found["text"])],
            rows=rows(text),
        )
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables in a text, without their headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for before, line in zip(["", *lines], lines, strict=False)
        if not set(line) <= set("|-: ") and before and not _is_heading(lines, line)
    ]


def _is_heading(lines: list[str], line: str) -> bool:
    after = lines[lines.index(line) + 1 :]
    return bool(after) and set(after[0]) <= set("|-: ")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _without_fences(text: str) -> str:
    """Blank the fenced blocks, and keep every line where it is."""
    return _FENCED.sub(lambda found: "\n" * found[0].count("\n"), text)
