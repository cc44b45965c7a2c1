"""The doors that AWS invokes, as files of the project."""

from pathlib import Path

from ..exceptions import ConfigurationError
from ..stack.layout import Layout, layout
from .changes import Change, read

FOLDER = Path(__file__).parent / "doors"
# What the doors of the reference site, which are shipped, fall back to.
_SETTINGS = "config.settings"


def lambdas(found: Layout) -> list[Change]:
    """Return the files of lambdas/, with the settings of the project."""
    changes = []
    for door in sorted((FOLDER / "lambdas").glob("*.py")):
        path = found.root / "lambdas" / door.name
        text = door.read_text(encoding="utf-8").replace(_SETTINGS, found.settings_module)
        changes.append(Change(path=path, before=read(path), after=text))
    return changes


def roots_of_doors() -> list[str]:
    """
    Return where what AWS invokes is imported from on this machine.

    The project's own folder comes first. A project without lambdas/ gets the doors that offload_init
    would write, so that its tasks run before it thinks of deploying them.
    """
    try:
        return [str(layout().root), str(FOLDER)]
    except ConfigurationError:
        return [str(FOLDER)]
