"""One file that would be written: what it holds, what it should, and the difference."""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file of a project as it is and as it should be."""

    path: Path
    before: str | None  # None: it is not there.
    after: str
    ours: bool = False  # Made by a command, so that it may be made again.
    merged: bool = False  # What is in it already is kept.

    @property
    def needed(self) -> bool:
        return self.before != self.after

    @property
    def overwrites(self) -> bool:
        """Would something be lost that somebody may have written by hand?"""
        return self.needed and self.before is not None and not (self.ours or self.merged)

    def diff(self, name: str) -> str:
        """Return the change as a unified diff, which git and patch can apply."""
        return difference(self.before, self.after, name)

    def make(self) -> None:
        """Write the file. Raise FileExistsError if it has changed since it was read."""
        if read(self.path) != self.before:
            raise FileExistsError(f"{self.path} has changed in the meantime: run the command again.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.after, encoding="utf-8", newline="")


def read(path: Path) -> str | None:
    """Return what a file holds, with its own ends of lines; None where there is no file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def difference(before: str | None, after: str, name: str) -> str:
    """Return two texts as a unified diff of the file `name`."""
    old = (before or "").splitlines(keepends=True)
    new = after.splitlines(keepends=True)
    source = "/dev/null" if before is None else f"a/{name}"
    lines = [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(old, new, source, f"b/{name}")
    ]
    return "".join(lines)
