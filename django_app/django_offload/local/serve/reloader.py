"""New code for the functions of this machine: what is said and done when the project's files change."""

import sys
from pathlib import Path

from ..aws.local_aws import Announce, LocalAWS
from ..lambda_.worker_process import source_roots
from .code_watch import Code

# How many changed files are named.
_NAMED = 3


def watched(announce: Announce) -> Code | None:
    """Return the project's code; None, and say so, where it is too much to look at."""
    code = Code(source_roots())
    if not code.too_much:
        return code
    announce(
        f"  Changes are not watched: more than {len(code) - 1:,} files below "
        f"{', '.join(map(str, code.roots))}. Start in the project's own folder."
    )
    return None


class Renewal:
    """Replaces workers when code changes: what runs goes on to its end, and the queue keeps the rest."""

    def __init__(self, aws: LocalAWS, announce: Announce) -> None:
        self._aws, self._announce = aws, announce

    def __call__(self, changed: list[Path]) -> None:
        busy = self._aws.renew()
        names = [_shown(path) for path in changed[:_NAMED]]
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        self._announce(f"Changed: {', '.join(names)}{more}. {_said(busy)}")
        if _settings() in changed:
            self._announce(
                "Queues and options of TASKS are deployed at the start: start anew if they changed."
            )


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _said(busy: int) -> str:
    if not busy:
        return "Workers are replaced."
    ends = "1 worker ends" if busy == 1 else f"{busy} workers end"
    return f"Workers are replaced; {ends} what runs first."


def _settings() -> Path | None:
    """Return the file of the project's settings."""
    from django.conf import settings

    module = sys.modules.get(getattr(settings, "SETTINGS_MODULE", None) or "")
    return Path(module.__file__) if module is not None and module.__file__ else None
