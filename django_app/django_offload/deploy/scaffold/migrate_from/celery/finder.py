"""Find Celery in all modules of a project: what to decide, what is rewritten, and the TASKS that it needs."""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..editor import ModuleEditor
from ..imports import update_imports
from ..source import Source, parse_source
from .idioms import IDIOMS, Idiom, Table
from .names import is_library
from .project import CLASS, MODULE, Project, Task
from .renames import Renames
from .schedules import named
from .tasks_setting import TasksSetting, modules_to_name
from .uses import Use, UseFinder

# Called with a number, the number of all if it is known, and the name of a file.
type Watch = Callable[[int, int | None, str], object]

_COMMAND = re.compile(r"\bcelery\b", re.IGNORECASE)
# Files besides Python that start Celery or install it. A name without a dot is a whole name.
_OTHER_FILES = re.compile(
    r"(Procfile|Dockerfile|Makefile|Pipfile|supervisord?)(\..*)?|.*requirements.*\.(txt|in)|pyproject\.toml|setup\.cfg"
    r"|(docker-)?compose.*|.*\.(yml|yaml|sh|service|conf|ini|env)",
    re.IGNORECASE,
)
_LARGEST_OTHER_FILE = 200_000
OTHER_FILE = "file"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the project that uses Celery."""

    path: str
    line: int
    use: str  # Its name in the table of idioms.
    why: str = ""  # Why a use that could be renamed isn't.


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What uses Celery in a project."""

    decisions: Mapping[Idiom, Sequence[Place]]  # What a person must write, by the row of the table.
    unknown: Sequence[Place]  # What the table doesn't know.
    renamed: int  # Places that are rewritten, or stay because they mean the same.
    texts: Mapping[str, str]  # The new text of each module that changes.
    setting: TasksSetting
    too_deep: Sequence[Path]  # Modules whose code is nested too deeply to follow.

    @property
    def places(self) -> int:
        return sum(len(places) for places in self.decisions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Finds Celery in modules that are parsed already."""

    sources: Sequence[Source]
    shown: Callable[[Path], str]
    app_names: Collection[str]  # Installed apps, whose tasks modules workers import.
    other_files: Sequence[Path] = ()
    unread: bool = False  # True if there are modules that could use a task, but weren't read.
    idioms: Sequence[Idiom] = IDIOMS
    watch: Watch = lambda done, total, name: None

    def find(self) -> Findings:
        project = Project.of(self.sources)
        tasks = list(project.tasks())
        uses, named_tasks = self.uses(project, tasks)
        setting = TasksSetting(project, modules=modules_to_name(tasks, self.task_modules))
        setting.read(uses, tasks)
        unread = self.unread or bool(project.too_deep)
        renames = Renames(project, setting, uses, is_incomplete=unread)
        renames.decide(tasks, named_tasks)
        table = Table(self.idioms)
        places, renamed = self.places([*uses, *setting.problems], project, renames, table)
        places += [place for path in self.other_files for place in self.places_in_other_file(path)]
        decisions: dict[Idiom, list[Place]] = {}
        unknown: list[Place] = []
        for place in sorted(set(places)):
            idiom = table.find(place.use)
            if idiom is None:
                unknown.append(place)
            elif all(
                place.path != other.path or place.line != other.line
                for other in decisions.get(idiom, [])[-1:]
            ):
                decisions.setdefault(idiom, []).append(place)
        return Findings(
            decisions={idiom: decisions[idiom] for idiom in self.idioms if idiom in decisions},
            unknown=unknown,
            renamed=renamed,
            texts=self.new_texts(project, renames),
            setting=setting,
            too_deep=[source.path for source in project.too_deep],
        )

    @property
    def task_modules(self) -> set[str]:
        return {f"{app}.tasks" for app in self.app_names}

    def uses(self, project: Project, tasks: Iterable[Task]) -> tuple[list[Use], set[str]]:
        """Return every use in the project, and the names of tasks that occur as text."""
        scopes, namespaces = configurations(project)
        names = {name: task for task in tasks for name in (task.path, task.name) if name}
        uses: list[Use] = []
        named_tasks: set[str] = set()
        for number, (module, source) in enumerate(project.sources.items(), 1):
            self.watch(number, len(project.sources), self.shown(source.path))
            if module not in project.scopes:
                continue
            try:
                finder = UseFinder(
                    project,
                    module,
                    task_names=names,
                    task_modules=self.task_modules,
                    setting_scopes=scopes,
                    namespaces=namespaces,
                )
            except RecursionError:
                project.too_deep.append(source)
                continue
            uses += finder.uses
            named_tasks |= finder.named
        return uses, named_tasks

    def places(
        self, uses: Iterable[Use], project: Project, renames: Renames, table: Table
    ) -> tuple[list[Place], int]:
        """Return the places that a person must look at, and the number of the others."""
        places: list[Place] = []
        renamed: set[tuple[str, int]] = set()
        for use in uses:
            if use.name.startswith(MODULE):
                continue
            path = self.shown(project.sources[use.module].path)
            idiom = table.find(use.name)
            if idiom is not None and idiom.is_renamed and renames.is_renamed(use):
                renamed.add((path, use.line))
                continue
            why = renames.reasons.get(id(use.task), "") if use.name in {"@task", "@own", "@periodic"} else ""
            places.append(Place(path, use.line, use.name, why))
        return places, len(renamed)

    def places_in_other_file(self, path: Path) -> Iterable[Place]:
        try:
            if path.stat().st_size > _LARGEST_OTHER_FILE:
                return
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        for number, line in enumerate(text.split("\n"), 1):
            if _COMMAND.search(line) and not line.lstrip().startswith("#"):
                yield Place(self.shown(path), number, OTHER_FILE)

    def new_texts(self, project: Project, renames: Renames) -> dict[str, str]:
        """Return the new text of each module that a rename changes."""
        texts: dict[str, str] = {}
        imported = imported_from(project)
        for module, source in project.sources.items():
            if module not in project.scopes:
                continue
            editor = ModuleEditor(source, self.shown(source.path), taken=project.scopes[module].bindings)
            renames.edit(editor, module)
            text = editor.result()
            if text == source.text:
                continue
            top = module_folder(source)
            edited = parse_source(source.path, top, text)
            kept = {name for name in project.scopes[module].bindings if f"{module}.{name}" in imported}
            is_starred = f"{module}.*" in imported
            kept |= set(project.scopes[module].bindings) if is_starred else set()
            kept |= {name for name in source.names if not is_library(source.names[name])}
            texts[module] = update_imports(source, edited, editor.imports, kept)
        return texts


def module_folder(source: Source) -> Path:
    """Return the folder from which a module is imported."""
    parts = source.module.split(".")
    is_package = source.path.stem == "__init__"
    return source.path.parents[len(parts) - 1 + is_package] if parts != [""] else source.path.parent


def imported_from(project: Project) -> set[str]:
    """Return everything that modules import from each other, as dotted paths, with `.*` for all names."""
    dotted: set[str] = set()
    for scope in project.scopes.values():
        for inner in scope.inner.values():
            dotted |= {f"{module}.*" for module in inner.stars}
            dotted |= {binding.dotted for bindings in inner.bindings.values() for binding in bindings}
    return dotted


def configurations(project: Project) -> tuple[set[int], set[str]]:
    """Return the modules and classes that app.config_from_object() names, and its namespaces."""
    scopes: set[int] = set()
    namespaces: set[str] = set()
    for module, top in project.scopes.items():
        source = project.sources[module]
        for node in ast.walk(source.tree) if "config_from_object" in source.text else ():
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr != "config_from_object":
                continue
            arguments = named(node)
            namespace = arguments.get("namespace")
            if isinstance(namespace, ast.Constant) and isinstance(namespace.value, str):
                namespaces.add(namespace.value)
            target = node.args[0] if node.args else arguments.get("obj")
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                value = project.imported(target.value.replace(":", "."))
            else:
                value = project.value(target, top) if target is not None else None
            if value is not None and value.name == MODULE:
                scopes.add(id(project.sources[value.dotted].tree))
            elif value is not None and value.name == CLASS:
                scopes.add(id(value.node))
    return scopes, namespaces - {"CELERY"}


def is_other_file(path: Path) -> bool:
    """Return True for a file that may start or install Celery, though it isn't Python."""
    return _OTHER_FILES.fullmatch(path.name) is not None
