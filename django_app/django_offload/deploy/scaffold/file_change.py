"""A change to one file of the project, as a diff and as a write."""

from dataclasses import dataclass
from difflib import unified_diff
from io import StringIO
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file as it is and as it should be."""

    path: Path
    before: str | None  # None if the file doesn't exist.
    after: str
    generated: bool = False  # A command wrote it, so a command may replace it.
    merged: bool = False  # `after` keeps everything from `before`.

    @property
    def needed(self) -> bool:
        return self.before != self.after

    @property
    def overwrites(self) -> bool:
        """True if the change would lose something that a person may have written."""
        return self.needed and self.before is not None and not (self.generated or self.merged)

    def diff(self, name: str) -> str:
        """Return the change as a unified diff, which git and patch can apply."""
        return file_diff(self.before, self.after, name)

    def write(self) -> None:
        """Write the file. Raise FileExistsError if it has changed since it was read."""
        if read_text(self.path) != self.before:
            raise FileExistsError(f"{self.path} has changed in the meantime. Run the command again.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.after, encoding="utf-8", newline="")


def read_text(path: Path) -> str | None:
    """Return the content of a file with its own line endings, or None if it doesn't exist."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def file_diff(before: str | None, after: str, name: str) -> str:
    """Return the unified diff between two versions of the file `name`."""
    # A form feed ends no line for git, as it does for str.splitlines().
    old, new = list(StringIO(before or "", newline="\n")), list(StringIO(after, newline="\n"))
    source = "/dev/null" if before is None else f"a/{name}"
    lines = [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(old, new, source, f"b/{name}")
    ]
    return "".join(lines)
