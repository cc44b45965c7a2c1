"""Gather the pages of the site: those of django_app/docs, and some of the repository's top level."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "django_app" / "docs"
INDEX = "index.md"
# Pages at the top of the repository, and where they stand on the site.
OTHERS = {
    "ARCHITECTURE.md": "explanation/architecture.md",
    "SECURITY.md": "explanation/security.md",
    "BENCHMARKS.md": "explanation/benchmarks.md",
    "CONTRIBUTING.md": "explanation/contributing.md",
    "CHANGELOG.md": "explanation/changes.md",
}
# Code, whose contents are no links.
CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")
SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)


def pages() -> dict[Path, str]:
    """Return the file of each page, and its path on the site."""
    found = {path: path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md"))}
    return found | {ROOT / name: path for name, path in OTHERS.items()}


def gather(folder: Path) -> None:
    """Write all pages into a folder, with links that lead to each other there, and the menu of the site."""
    places = pages()
    for path, place in places.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        text = outside_code(path.read_text(), lambda text, path=path: relinked(text, path, places))
        target.write_text(text + menu(text) if place == INDEX else text)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text in which everything but code is changed."""
    # A link whose text is code must stay whole, so code is put aside and put back.
    kept: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\x00{len(kept) - 1}\x00"

    changed = change(CODE.sub(put_aside, text))
    return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], changed)


def relinked(text: str, path: Path, places: dict[Path, str]) -> str:
    """
    Return the text of a page with the links that it has on the site.

    A link to a file of the repository that is no page becomes its text: the site doesn't know where the
    repository is published.
    """

    def link(found: re.Match[str]) -> str:
        target, _, anchor = found["target"].partition("#")
        if not target or ":" in target:
            return found[0]
        file = (path.parent / target).resolve()
        if not file.exists():
            raise SystemExit(
                f"{path.relative_to(ROOT)} leads to {target}, which doesn't exist. Correct the link."
            )
        place = places.get(file)
        if place is None:
            return found["text"]
        way = Path(os.path.relpath(place, Path(places[path]).parent)).as_posix()
        return f"[{found['text']}]({way}{'#' if anchor else ''}{anchor})"

    return LINK.sub(link, text)


def menu(index: str) -> str:
    """Return the menu of the site: the links of each section of the index, in their order."""
    return "".join(
        "\n```{toctree}\n:hidden:\n:caption: " + title + "\n\n" + "\n".join(names) + "\n```\n"
        for title, names in sections(index)
    )


def sections(index: str) -> Iterator[tuple[str, list[str]]]:
    _, *parts = SECTION.split(index)
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        names = [found["target"] for found in LINK.finditer(text) if found["target"].endswith(".md")]
        yield title, [name.removesuffix(".md") for name in names]
