"""Restarts workers when the project's source files change."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..aws.local_aws import Announce, LocalAWS
from ..aws.project_schedules import current_schedules
from ..aws.schedule import described
from ..environment import without_aws
from ..lambda_.project_modules import source_roots
from .web import site_environment

# Django's own reloader checks as often.
INTERVAL_SECONDS = 1.0
# A folder with more files is not a project but a home directory or a whole disk.
FILE_LIMIT = 20_000
# How many changed files an announcement names.
NAMES_LIMIT = 3
_IGNORED_FOLDERS = {"__pycache__", "node_modules", "site-packages"}


class SourceFiles:
    """
    The Python files and templates below the given folders.

    Django's reloader only watches modules of its own process. Here other processes import the code later.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        paths = [Path(root) for root in roots]
        self.roots = [path for path in paths if not any(other in path.parents for other in paths)]
        self._modified_at = self._scan()

    def __len__(self) -> int:
        return len(self._modified_at)

    @property
    def too_many(self) -> bool:
        """Whether there are too many files to check each of them every second."""
        return len(self._modified_at) > FILE_LIMIT

    def changes(self) -> list[Path]:
        """Return the files that were changed, added or removed since the last call."""
        before, self._modified_at = self._modified_at, self._scan()
        return sorted({Path(path) for path, _ in before.items() ^ self._modified_at.items()})

    def watch(
        self,
        stop: threading.Event,
        on_change: Callable[[list[Path]], object],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        """Call `on_change` with the changed files whenever there are some, until `stop`."""
        while not stop.wait(interval_seconds):
            changes = self.changes()
            if changes:
                on_change(changes)

    def _scan(self) -> dict[str, int]:
        """Return when each file was last modified, in nanoseconds."""
        modified_at: dict[str, int] = {}
        for root in self.roots:
            for entry in source_entries(str(root)):
                modified_at[entry.path] = entry.stat().st_mtime_ns
                if len(modified_at) > FILE_LIMIT:
                    return modified_at
        return modified_at


def source_entries(folder: str, in_templates: bool = False) -> Iterator["os.DirEntry[str]"]:
    """Yield the source files below a folder, except in virtual environments, caches and hidden folders."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # The folder was just removed, or this user may not read it.
        return
    if any(entry.name == "pyvenv.cfg" for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED_FOLDERS:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from source_entries(entry.path, in_templates or entry.name == "templates")
        elif (in_templates or entry.name.endswith(".py")) and entry.is_file():
            yield entry


def project_files(announce: Announce) -> SourceFiles | None:
    """Return the project's source files. If there are too many to watch, announce it and return None."""
    files = SourceFiles(source_roots())
    if not files.too_many:
        return files
    announce(
        f"  Code changes aren't watched because there are more than {len(files) - 1:,} files below "
        f"{', '.join(map(str, files.roots))}. Start the command in your project's own folder."
    )
    return None


class Reloader:
    """Restarts workers after a change. Busy workers finish first, and messages wait in the queue."""

    def __init__(self, aws: LocalAWS, announce: Announce) -> None:
        self._aws, self._announce = aws, announce

    def __call__(self, changes: list[Path]) -> None:
        from django.conf import settings

        busy_workers = self._aws.reload()
        current_folder = Path.cwd()
        names = ", ".join(
            str(path.relative_to(current_folder) if path.is_relative_to(current_folder) else path)
            for path in changes[:NAMES_LIMIT]
        )
        if len(changes) > NAMES_LIMIT:
            names += f" and {len(changes) - NAMES_LIMIT} more"
        sentence = "Workers restart."
        if busy_workers:
            workers = "1 worker finishes its" if busy_workers == 1 else f"{busy_workers} workers finish their"
            sentence = f"Workers restart; {workers} current work first."
        self._announce(f"Changed: {names}. {sentence}")
        module = sys.modules.get(getattr(settings, "SETTINGS_MODULE", None) or "")
        if module is not None and module.__file__ and Path(module.__file__) in changes:
            self._announce(
                "TASKS is deployed only at the start. If you changed its queues or options, start again. Its "
                "schedules are followed."
            )
        if any(path.suffix == ".py" for path in changes):
            self.follow_schedules()

    def follow_schedules(self) -> None:
        """Run the scheduled tasks of the code as it is now, and announce which of them changed."""
        environment = {**without_aws(os.environ), **self._aws.environment, **site_environment()}
        try:
            new, gone = self._aws.follow(current_schedules(environment))
        except RuntimeError as exc:
            self._announce(f"  Schedules stay as they were, because the code can't be imported: {exc}")
            return
        names = {rule.name for rule in new}
        for rule in gone:
            if rule.name not in names:
                self._announce(f"  schedule  {rule.name} is gone")
        for rule, next_at in self._aws.schedule.next_times() if self._aws.schedule is not None else ():
            if rule in new:
                self._announce(f"  schedule  {described(rule, next_at)}")
