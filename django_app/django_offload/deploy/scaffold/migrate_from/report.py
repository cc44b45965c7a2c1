"""What a project's code needs, all of it: a diff that git can apply, and what a person must decide."""

from collections.abc import Mapping
from dataclasses import dataclass

from ....stack.layout import Layout
from ..changes import difference
from . import from_celery, from_zappa
from .editing import Editing, Note
from .imports import settle
from .project import Project, Rule
from .reading import Source, parsed, sources
from .tasks import known_tasks

ORIGINS = ("celery", "zappa")
# A change inside of a change waits for its turn.
_MOST_TURNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What offload_init --from prints."""

    diffs: Mapping[str, str]  # By file.
    notes: list[Note]

    @property
    def lines(self) -> int:
        """How many lines are written anew."""
        return sum(
            line.startswith("+") and not line.startswith("+++ ")
            for diff in self.diffs.values()
            for line in diff.splitlines()
        )


def report(layout: Layout, origin: str) -> Report:
    """Return what the code of a project needs whose tasks come from `origin`; nothing is changed."""
    found = {source.module: source for source in sources(layout.source)}
    decorators = from_zappa.DECORATORS if origin == "zappa" else from_celery.decorators(found)
    rule: Rule = from_zappa.rule if origin == "zappa" else from_celery.rule
    project = Project(decorators=decorators, tasks=known_tasks(found, decorators))
    diffs: dict[str, str] = {}
    notes: list[Note] = []
    for source in found.values():
        name = layout.shown(source.path)
        text, told = _rewritten(source, layout, name, rule, project)
        notes += told
        if text != source.text:
            diffs[name] = difference(source.text, text, name)
    return Report(diffs=diffs, notes=sorted(set(notes)))


def _rewritten(
    source: Source, layout: Layout, name: str, rule: Rule, project: Project
) -> tuple[str, list[Note]]:
    """Return a module's new text, and what the first reading tells: its lines are those of the file."""
    current, told = source, None
    for _ in range(_MOST_TURNS):
        editing = Editing(current, name)
        rule(editing, project)
        told = editing.notes if told is None else told
        text = editing.result()
        after = parsed(source.path, layout.source, text)
        settled = settle(current, after, editing.needed)
        if settled == current.text:
            break
        current = parsed(source.path, layout.source, settled)
    return current.text, told or []
