"""Where a project lies: the folder that is deployed, and in it the one that modules are imported from."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from ..exceptions import ConfigurationError

# What lies at the top of a project. The nearest folder counts: a repository may hold several projects.
MARKERS = (
    *("zappa_settings.json", "pyproject.toml", "setup.py", "setup.cfg"),
    *("requirements.txt", "requirements.in", "requirements", "Pipfile", ".git"),
)
# How many folders above that of the modules a project may begin.
HIGHEST = 2
# Where Lambda unpacks what is deployed.
TASK_ROOT = "/var/task"
# Holds lambdas/: the handlers of a project that has none of its own yet, which offload_init writes.
HANDLERS = Path(__file__).parent / "handlers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folders of a project."""

    root: Path  # What is packed and deployed: lambdas/, infra/ and zappa_settings.json lie here.
    source: Path  # What modules are imported from; the root itself, or a folder in it such as src.
    settings_module: str

    @property
    def python_path(self) -> str:
        """What PYTHONPATH must be on Lambda, so that every module has the name it has here."""
        inside = self.source.relative_to(self.root).as_posix()
        return TASK_ROOT if inside == "." else f"{TASK_ROOT}/{inside}"

    def shown(self, path: Path) -> str:
        """Return the path as seen from the root."""
        return path.relative_to(self.root).as_posix()


def layout(root: Path | None = None) -> Layout:
    """
    Return where this project's files lie; `root` where it is not the nearest folder that looks like one.

    Raise ConfigurationError if the settings were not read from a module, or lie outside of `root`.
    """
    module = getattr(settings, "SETTINGS_MODULE", None)
    source = None if module is None else _source_of(module)
    if module is None or source is None:
        raise ConfigurationError(
            "default",
            "The settings were configured in code, or lie in no folder, so no worker could read them.",
            "Name their module in DJANGO_SETTINGS_MODULE.",
        )
    top = source if root is None else root.resolve()
    if not source.is_relative_to(top):
        raise ConfigurationError(
            "default",
            f"The settings {module} lie in {source}, which is not in {top}.",
            "Name a folder that holds the whole project.",
        )
    return Layout(root=_nearest(source) if root is None else top, source=source, settings_module=module)


def python_path() -> str:
    """Return what PYTHONPATH is on Lambda; where the settings are in no file, what is unpacked there."""
    try:
        return layout().python_path
    except ConfigurationError:
        return TASK_ROOT


def _source_of(module: str) -> Path | None:
    """Return the folder that the top package of a module is imported from, None where there is none."""
    spec = find_spec(module.partition(".")[0])
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve().parent
    return Path(spec.origin).resolve().parent if spec.origin else None


def _nearest(source: Path) -> Path:
    """Return the nearest folder from `source` upwards that has one of the markers, else `source`."""
    for folder in (source, *source.parents[:HIGHEST]):
        if folder in (Path.home(), Path(folder.anchor)):
            break  # Whoever keeps a home folder in git has no project there.
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return source


def import_roots() -> list[str]:
    """
    Return where what AWS invokes is imported from on this machine.

    The project's own folder comes first. A project without lambdas/ gets the handlers that offload_init
    would write, so that its tasks run before it thinks of deploying them.
    """
    try:
        return [str(layout().root), str(HANDLERS)]
    except ConfigurationError:
        return [str(HANDLERS)]
