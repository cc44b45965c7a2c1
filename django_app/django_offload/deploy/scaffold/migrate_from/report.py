"""Rewrite all of a project's code, and report it as diffs and notes."""

from collections.abc import Mapping
from dataclasses import dataclass

from ....stack.layout import Layout
from ..file_change import file_diff
from . import from_celery, from_zappa
from .editor import ModuleEditor, Note
from .imports import update_imports
from .source import Source, parse_source, read_sources
from .tasks import ProjectTasks, Rule, find_tasks

ORIGINS = ("celery", "zappa")
# A pass applies only the outer one of two overlapping changes. The next pass applies the inner one.
_MOST_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What offload_init --from prints."""

    diffs: Mapping[str, str]  # By file.
    notes: list[Note]

    @property
    def lines(self) -> int:
        """The number of lines that the diffs add."""
        return sum(
            line.startswith("+") and not line.startswith("+++ ")
            for diff in self.diffs.values()
            for line in diff.splitlines()
        )


def report(layout: Layout, origin: str) -> Report:
    """Return the changes that a project's code from `origin` needs. Change no file."""
    sources = {source.module: source for source in read_sources(layout.source)}
    decorators = from_zappa.DECORATORS if origin == "zappa" else from_celery.decorators(sources)
    rule: Rule = from_zappa.rewrite if origin == "zappa" else from_celery.rewrite
    project = find_tasks(sources, decorators)
    diffs: dict[str, str] = {}
    notes: set[Note] = set()
    for source in sources.values():
        name = layout.shown(source.path)
        text, notes_of_module = rewrite_module(source, layout, name, rule, project)
        notes.update(notes_of_module)
        if text != source.text:
            diffs[name] = file_diff(source.text, text, name)
    return Report(diffs=diffs, notes=sorted(notes))


def rewrite_module(
    source: Source, layout: Layout, name: str, rule: Rule, project: ProjectTasks
) -> tuple[str, list[Note]]:
    """
    Return a module's new text, and the notes about it.

    The notes are those of the first pass, because only its line numbers are the file's.
    """
    current, notes = source, None
    for _ in range(_MOST_PASSES):
        editor = ModuleEditor(current, name)
        rule(editor, project)
        notes = editor.notes if notes is None else notes
        edited = parse_source(source.path, layout.source, editor.result())
        text = update_imports(current, edited, editor.imports)
        if text == current.text:
            break
        current = parse_source(source.path, layout.source, text)
    return current.text, notes or []
