"""manage.py offload_init: write the files that a deployment needs, or show how to leave Celery or Zappa."""

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import CommandParser

from ...deploy.scaffold.file_change import FileChange
from ...deploy.scaffold.migrate_from import ORIGINS, Report, comment_lines, report
from ...deploy.scaffold.project_files import notes, project_files
from ...stack import stacks
from ...stack.layout import Layout, layout
from ..base import EXIT_OK, OffloadCommand
from ..rendering import Styled

# Of a new file, because the template has hundreds of lines.
MOST_LINES_SHOWN = 60
DIFF_STYLES = {"+": "good", "-": "bad", "@": "info"}


class Command(OffloadCommand):
    help = (
        "Add the files that a deployment needs: lambdas/ (the handlers), infra/ (the stack), and settings of "
        "the web side in zappa_settings.json. Each change is shown first, and existing content is kept. "
        "With --from, print the changes that code of Celery or Zappa needs, and change nothing."
    )
    example = """
manage.py offload_init --dry-run
manage.py offload_init --yes
manage.py offload_init --from celery > offload.diff
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stack", help="The stack, if TASKS names several.")
        parser.add_argument("--root", type=Path, help="The folder to deploy, if not the one that is found.")
        parser.add_argument("--dry-run", action="store_true", help="Show the changes without making them.")
        parser.add_argument("--yes", action="store_true", help="Make the changes without asking.")
        parser.add_argument(
            "--overwrite", action="store_true", help="Also replace files that you have changed."
        )
        parser.add_argument(
            "--from",
            choices=ORIGINS,
            dest="origin",
            help="Print the changes that code of Celery or Zappa needs, as a diff, and change nothing.",
        )

    def run(self, **options: Any) -> int:
        if options["origin"]:
            return self.write_migration(layout(options["root"]), options["origin"])
        stack = self.select_stack(list(stacks()), options["stack"])
        project = layout(options["root"])
        needed = [change for change in project_files(project, stack) if change.needed]
        kept = [change for change in needed if change.overwrites and not options["overwrite"]]
        changes = [change for change in needed if change not in kept]
        self.write_line(f"Project {project.root}, settings {project.settings_module}, stack {stack}")
        self.write_line()
        for change in changes:
            self.show_change(change, project)
        for note in notes(project, changes):
            self.write_line(Styled(note, "info"))
            self.write_line()
        for change in kept:
            self.write_line(
                f"Kept: {project.shown(change.path)} differs from what this command would write. See the "
                "difference with --overwrite --dry-run. Replace it with --overwrite."
            )
        write = bool(changes) and not options["dry_run"] and (options["yes"] or self.confirm(changes))
        if write:
            self.write_files(changes)
        self.write_json(
            {
                "root": str(project.root),
                "written": write,
                "changes": {project.shown(change.path): change.diff("") for change in changes},
                "kept": [project.shown(change.path) for change in kept],
            }
        )
        if write:
            self.write_line(
                f"Wrote {file_count(changes)}. Next: manage.py check, then manage.py offload_local."
            )
        elif not changes:
            self.write_line("There is nothing to write.")
        else:
            retry = "" if options["dry_run"] else " Run this command again when you are ready."
            self.write_line(f"Nothing was written.{retry}")
        return EXIT_OK

    def write_migration(self, project: Layout, origin: str) -> int:
        """Print what the code needs: first decisions to make, as comments, then a diff that git can apply."""
        app_names = [config.name for config in apps.get_app_configs()]
        with self.progress("Reading") as progress:
            migration = report(
                project,
                origin,
                app_names=app_names,
                watch=progress.update,
            )
        self.write_json(migration_json(migration))
        for line in comment_lines(migration):
            self.write_line(line)
        for diff in migration.diffs.values():
            self.write_diff(diff)
        return EXIT_OK

    def write_diff(self, diff: str) -> None:
        """Print a diff. A file or pipe gets every character as it is, because git compares them all."""
        if self.as_json:
            return
        if not self.stdout.isatty():
            self.stdout.write(diff)
            return
        for line in diff.removesuffix("\n").split("\n"):
            self.write_line(styled_diff_line(line))

    def show_change(self, change: FileChange, project: Layout) -> None:
        lines = change.diff(project.shown(change.path)).splitlines()
        limit = MOST_LINES_SHOWN if change.before is None else len(lines)
        for line in lines[:limit]:
            self.write_line(styled_diff_line(line))
        if len(lines) > limit:
            self.write_line(
                f"… and {len(lines) - limit} more lines. Print all with manage.py offload_template."
            )
        self.write_line()

    def confirm(self, changes: Sequence[FileChange]) -> bool:
        """Return True if the user agrees. Raise CommandError if there is no user to ask."""
        if self.as_json:
            raise self.usage_error("With --json the command can't ask. Add --yes or --dry-run.")
        try:
            answer = input(f"Write {file_count(changes)}? [y/N] ")
        except EOFError as exc:
            raise self.usage_error("Nothing was written, because nobody confirmed it. Add --yes.") from exc
        return answer.strip().lower() in {"y", "yes"}

    def write_files(self, changes: Sequence[FileChange]) -> None:
        for change in changes:
            try:
                change.write()
            except OSError as exc:
                raise self.usage_error(
                    f"{change.path} was not written ({exc.strerror or exc}). Correct that, then run this "
                    "command again. It keeps the files that are written already."
                ) from exc


def migration_json(migration: Report) -> dict[str, Any]:
    """Return what --from prints with --json. Celery's report has more keys than Zappa's."""
    data: dict[str, Any] = {
        "changes": migration.diffs,
        "notes": [str(note) for note in migration.notes],
        "unread": {note.path: note.text for note in migration.unread},
    }
    findings = migration.findings
    if findings is not None:
        data["renamed"] = findings.renamed
        data["idioms"] = {
            idiom.name: {
                "answer": idiom.answer,
                "places": [f"{place.path}:{place.line}" for place in places],
            }
            for idiom, places in findings.decisions.items()
        }
        data["unknown"] = [f"{place.path}:{place.line}: {place.use}" for place in findings.unknown]
        data["TASKS"] = migration.tasks
    return data


def styled_diff_line(line: str) -> str:
    """Return a line of a diff in the colour that git shows it in."""
    style = "heading" if line.startswith(("+++", "---")) else DIFF_STYLES.get(line[:1])
    return Styled(line, style) if style else line


def file_count(files: Sized) -> str:
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}"
