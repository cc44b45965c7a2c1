"""Find the folders of a project: the one that is deployed, and the one that its modules are imported from."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from ..exceptions import ConfigurationError

# Files at the top of a project. The nearest folder counts because a repository may hold several projects.
MARKERS = (
    *("zappa_settings.json", "pyproject.toml", "setup.py", "setup.cfg"),
    *("requirements.txt", "requirements.in", "requirements", "Pipfile", ".git"),
)
# A project's root is at most this many folders above the folder of its modules.
HIGHEST = 2
# The folder into which Lambda unpacks the package.
TASK_ROOT = "/var/task"
# Contains lambdas/, the handlers that offload_init writes. A project without handlers of its own uses these.
HANDLERS = Path(__file__).parent / "handlers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folders of a project."""

    root: Path  # What is packed and deployed. Contains lambdas/, infra/ and zappa_settings.json.
    source: Path  # What modules are imported from: the root itself, or a folder in it such as src.
    settings_module: str

    @property
    def python_path(self) -> str:
        """PYTHONPATH on Lambda. It gives every module the name that it has on this machine."""
        inside = self.source.relative_to(self.root).as_posix()
        return TASK_ROOT if inside == "." else f"{TASK_ROOT}/{inside}"

    def shown(self, path: Path) -> str:
        """Return the path relative to the root."""
        return path.relative_to(self.root).as_posix()


def layout(root: Path | None = None) -> Layout:
    """
    Return the folders of this project.

    The project's root is the nearest folder that looks like one, unless `root` names another.
    Raise ConfigurationError if the settings were not read from a module, or are outside of `root`.
    """
    module = getattr(settings, "SETTINGS_MODULE", None)
    source = None if module is None else import_folder(module)
    if module is None or source is None:
        raise ConfigurationError(
            "default",
            "The settings were configured in code or aren't in a folder, so no worker could read them.",
            "Name their module in DJANGO_SETTINGS_MODULE.",
        )
    if root is None:
        return Layout(root=nearest_project_folder(source), source=source, settings_module=module)
    root = root.resolve()
    if not source.is_relative_to(root):
        raise ConfigurationError(
            "default",
            f"The settings {module} are in {source}, which is not in {root}.",
            "Name a folder that contains the whole project.",
        )
    return Layout(root=root, source=source, settings_module=module)


def python_path() -> str:
    """Return PYTHONPATH on Lambda. If the settings aren't in a file, this is the root of the package."""
    try:
        return layout().python_path
    except ConfigurationError:
        return TASK_ROOT


def import_folder(module: str) -> Path | None:
    """Return the folder that the top package of a module is imported from, or None if it has no file."""
    spec = find_spec(module.partition(".")[0])
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve().parent
    return Path(spec.origin).resolve().parent if spec.origin else None


def nearest_project_folder(source: Path) -> Path:
    """Return the first folder from `source` upwards that contains a marker, or `source` itself."""
    for folder in (source, *source.parents[:HIGHEST]):
        if folder in (Path.home(), Path(folder.anchor)):
            break  # A home folder that is kept in git isn't a project.
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return source


def import_roots() -> list[str]:
    """
    Return the folders from which this machine imports the handlers that AWS invokes.

    The project's own folder comes first. A project without lambdas/ uses the handlers that offload_init
    would write, so that its tasks run before anyone prepares a deployment.
    """
    try:
        return [str(layout().root), str(HANDLERS)]
    except ConfigurationError:
        return [str(HANDLERS)]
