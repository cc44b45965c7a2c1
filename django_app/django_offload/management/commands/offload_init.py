"""manage.py offload_init: the files that deploying takes; what code needs that comes from elsewhere."""

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from ...deploy.scaffold.file_change import FileChange
from ...deploy.scaffold.migrate_from import ORIGINS, report
from ...deploy.scaffold.project_files import notes, project_files
from ...stack import stacks
from ...stack.layout import Layout, layout
from ..base import FINE, OffloadCommand
from ..tables import Painted

# Of a new file; the template has hundreds of lines.
LONGEST_SHOWN = 60
_OF_DIFF = {"+": "good", "-": "bad", "@": "waits"}


class Command(OffloadCommand):
    help = (
        "Add what deploying takes: lambdas/ (what AWS invokes), infra/ (the stack), and what the web side "
        "needs in zappa_settings.json. Every change is shown first, and what is there stays. With --from, "
        "print what a project's code needs that comes from Celery or Zappa, and change nothing."
    )
    example = """
manage.py offload_init --dry-run
manage.py offload_init --yes
manage.py offload_init --from celery > offload.diff
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stack", help="Which stack, where TASKS names several.")
        parser.add_argument(
            "--root", type=Path, help="The folder that is deployed, where it is not the one that is found."
        )
        parser.add_argument("--dry-run", action="store_true", help="Show the changes, and make none.")
        parser.add_argument("--yes", action="store_true", help="Make the changes without asking.")
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="Replace files that differ, too; they are kept otherwise.",
        )

        parser.add_argument(
            "--from",
            choices=ORIGINS,
            dest="origin",
            help="Print the changes that code needs which comes from there, as a diff, and change nothing.",
        )

    def answer(self, **options: Any) -> int:
        if options["origin"]:
            return self._report(layout(options["root"]), options["origin"])
        stack = self.one_stack(list(stacks()), options["stack"])
        found = layout(options["root"])
        changes = [change for change in project_files(found, stack) if change.needed]
        kept = [change for change in changes if change.overwrites and not options["overwrite"]]
        to_make = [change for change in changes if change not in kept]
        self.line(f"Project {found.root}, settings {found.settings_module}, stack {stack}")
        self.line()
        for change in to_make:
            self._show(change, found)
        for note in notes(found, to_make):
            self.line(Painted(note, "waits"))
            self.line()
        for change in kept:
            self.line(
                f"Kept: {found.shown(change.path)} is not what this command would write. Look with "
                "--overwrite --dry-run; --overwrite replaces it."
            )
        made = bool(to_make) and not options["dry_run"] and (options["yes"] or self._agreed(to_make))
        if made:
            self._make(to_make)
        self._tell(to_make, kept, found, made=made, dry_run=options["dry_run"])
        return FINE

    def _report(self, found: Layout, origin: str) -> int:
        """Print what the project's code needs: what to decide as comments, then what git can apply."""
        wanted = report(found, origin)
        self.data({"changes": wanted.diffs, "notes": [str(note) for note in wanted.notes]})
        self.line(
            f"# {wanted.lines} lines change in {_files(wanted.diffs)}; {len(wanted.notes)} to decide. "
            "Nothing was changed: git apply takes this, or your editor."
        )
        for note in wanted.notes:
            self.line(f"# {note}")
        for diff in wanted.diffs.values():
            for line in diff.splitlines():
                self.line(of_diff(line))
        return FINE

    def _show(self, change: FileChange, found: Layout) -> None:
        lines = change.diff(found.shown(change.path)).splitlines()
        shown = lines if change.before is not None else lines[:LONGEST_SHOWN]
        for line in shown:
            self.line(of_diff(line))
        if len(lines) > len(shown):
            self.line(f"… and {len(lines) - len(shown)} lines more: manage.py offload_template prints them")
        self.line()

    def _agreed(self, changes: Sequence[FileChange]) -> bool:
        """Ask. Raise CommandError where nobody is there to answer."""
        if self.as_json:
            raise self.unusable("With --json nobody is asked: add --yes or --dry-run.")
        try:
            answer = input(f"Write {_files(changes)}? [y/N] ")
        except EOFError as exc:
            raise self.unusable("Nothing was written, for nobody was there to agree: add --yes.") from exc
        return answer.strip().lower() in {"y", "yes"}

    def _make(self, changes: Sequence[FileChange]) -> None:
        for change in changes:
            try:
                change.write()
            except OSError as exc:
                raise self.unusable(
                    f"{change.path} was not written ({exc.strerror or exc}): mend that, then run this again; "
                    "what is written already stays."
                ) from exc

    def _tell(
        self,
        changes: Sequence[FileChange],
        kept: Sequence[FileChange],
        found: Layout,
        *,
        made: bool,
        dry_run: bool,
    ) -> None:
        self.data(
            {
                "root": str(found.root),
                "written": made,
                "changes": {found.shown(change.path): change.diff("") for change in changes},
                "kept": [found.shown(change.path) for change in kept],
            }
        )
        if made:
            self.line(f"Wrote {_files(changes)}. Next: manage.py check, then manage.py offload_local.")
        elif not changes:
            self.line("Nothing to write: all is there.")
        else:
            self.line(f"Nothing was written.{'' if dry_run else ' Run this again when you are ready.'}")


def of_diff(line: str) -> str:
    """Return a line of a diff in the colour that it has in git's, too."""
    meaning = "heading" if line.startswith(("+++", "---")) else _OF_DIFF.get(line[:1])
    return Painted(line, meaning) if meaning else line


def _files(changes: Sized) -> str:
    return f"{len(changes)} {'file' if len(changes) == 1 else 'files'}"
