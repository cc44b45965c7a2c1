"""Read all of a project's code, and report what to change as diffs and notes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....stack.layout import Layout
from ..file_change import file_diff
from . import from_zappa
from .celery.finder import Finder, Findings, Watch, is_other_file
from .celery.idioms import IDIOMS, Idiom
from .editor import ModuleEditor, Note
from .imports import update_imports
from .source import TOO_DEEP, Source, Unread, parse_source, read_sources
from .tasks import ProjectTasks, find_tasks

ORIGINS = ("celery", "zappa")
# A pass applies only the outer one of two overlapping changes. The next pass applies the inner one.
_MOST_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What offload_init --from prints."""

    diffs: Mapping[str, str]  # By file.
    notes: Sequence[Note]
    unread: Sequence[Note] = ()  # Files that weren't read.
    files: int = 0  # The number of modules that were read.
    findings: Findings | None = field(default=None)  # For Celery.
    tasks: Mapping[str, Any] = field(default_factory=dict)  # The setting TASKS that the code of Celery needs.
    setting: str = ""  # The same as code.

    @property
    def lines(self) -> int:
        """The number of lines that the diffs add."""
        return sum(
            line.startswith("+") and not line.startswith("+++ ")
            for diff in self.diffs.values()
            for line in diff.split("\n")
        )


def report(
    layout: Layout,
    origin: str,
    *,
    app_names: Collection[str] = (),
    idioms: Sequence[Idiom] = IDIOMS,
    watch: Watch = lambda done, total, name: None,
) -> Report:
    """
    Return the changes that a project's code from `origin` needs. Change no file.

    `app_names` are the installed apps. `watch` is called with the number, the total and the name of each file
    that is read, and for Celery again when its uses are looked for.
    """
    unread: list[Unread] = []
    files: list[Path] = []

    def seen(path: Path) -> None:
        files.append(path)
        watch(len(files), None, layout.shown(path))

    sources = list(read_sources(layout.root, layout.source, unread, seen))
    if origin == "zappa":
        return zappa_report(layout, sources, unread_notes(layout, unread))
    others = [path for path in files if is_other_file(path)]
    finder = Finder(
        sources=sources,
        shown=layout.shown,
        app_names=app_names,
        other_files=others,
        unread=any(item.may_run for item in unread),
        idioms=idioms,
        watch=watch,
    )
    findings = finder.find()
    unread += [Unread(path, TOO_DEEP, may_run=True) for path in findings.too_deep]
    by_module = {source.module: source for source in sources}
    diffs = {}
    for module, text in findings.texts.items():
        name = layout.shown(by_module[module].path)
        diffs[name] = file_diff(by_module[module].text, text, name)
    notes = [
        Note(place.path, place.line, idiom.answer)
        for idiom, places in findings.decisions.items()
        for place in places
    ]
    stack = layout.settings_module.partition(".")[0]
    notes += [Note(place.path, place.line, f"still uses Celery: {place.use}") for place in findings.unknown]
    return Report(
        diffs=diffs,
        notes=sorted(set(notes)),
        unread=unread_notes(layout, unread),
        files=len(sources),
        findings=findings,
        tasks=findings.setting.value(stack),
        setting=findings.setting.text(stack),
    )


def unread_notes(layout: Layout, unread: Sequence[Unread]) -> list[Note]:
    return [Note(layout.shown(item.path), 0, item.reason) for item in sorted(unread)]


def zappa_report(layout: Layout, sources: Sequence[Source], unread: Sequence[Note]) -> Report:
    project = find_tasks({source.module: source for source in sources}, from_zappa.DECORATORS)
    diffs: dict[str, str] = {}
    notes: set[Note] = set()
    for source in sources:
        name = layout.shown(source.path)
        text, notes_of_module = rewrite_module(source, layout, name, project)
        notes.update(notes_of_module)
        if text != source.text:
            diffs[name] = file_diff(source.text, text, name)
    return Report(diffs=diffs, notes=sorted(notes), unread=unread, files=len(sources))


def rewrite_module(
    source: Source, layout: Layout, name: str, project: ProjectTasks
) -> tuple[str, list[Note]]:
    """
    Return the new text of a module that uses Zappa, and the notes about it.

    The notes are those of the first pass, because only its line numbers are the file's.
    """
    folder = layout.source if source.path.is_relative_to(layout.source) else layout.root
    current, notes = source, None
    for _ in range(_MOST_PASSES):
        editor = ModuleEditor(current, name)
        from_zappa.rewrite(editor, project)
        notes = editor.notes if notes is None else notes
        if not source.is_editable:
            break
        edited = parse_source(source.path, folder, editor.result())
        text = update_imports(current, edited, editor.imports)
        if text == current.text:
            break
        current = parse_source(source.path, folder, text)
    return current.text, notes or []
