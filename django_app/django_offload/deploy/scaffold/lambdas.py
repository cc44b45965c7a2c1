"""The doors that AWS invokes, as files of the project."""

from ...stack.layout import HANDLERS, Layout
from .changes import Change, read

# What the doors of the reference site, which are shipped, fall back to.
_SETTINGS = "config.settings"


def lambdas(found: Layout) -> list[Change]:
    """Return the files of lambdas/, with the settings of the project."""
    changes = []
    for door in sorted((HANDLERS / "lambdas").glob("*.py")):
        path = found.root / "lambdas" / door.name
        text = door.read_text(encoding="utf-8").replace(_SETTINGS, found.settings_module)
        changes.append(Change(path=path, before=read(path), after=text))
    return changes
