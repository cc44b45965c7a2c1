"""
How many accepted tasks end with a run of offload_local, which keeps everything in memory.

The number is on disk while it runs, because a killed process can't write it. It is written every second, so
only what changed within the last second before a kill is not in it.
"""

import json
import os
import threading
import time
from collections.abc import Mapping

from ...aws.development import ENV_FILE, Session, read_private
from ..aws.local_aws import Announce, LocalAWS
from ..aws.unfinished import KINDS, count_unfinished
from ..environment import private_folder

FILE = ENV_FILE.with_name("unfinished")
INTERVAL_SECONDS = 1.0
# Counting takes at most this part of the time, however many tasks there are.
LARGEST_SHARE = 0.02


class Forgotten:
    """The unfinished tasks of one run, and those of the run before it in the same folder."""

    def __init__(self, aws: LocalAWS, announce: Announce) -> None:
        self._aws, self._announce = aws, announce
        self._path = FILE.absolute()
        self._lock = threading.Lock()
        self._written: Mapping[str, int] | None = None

    def announce_last(self) -> None:
        """Announce once what the last run forgot."""
        process, counts = read(self._path.read_bytes() if self._path.is_file() else b"")
        if not counts:
            return
        session = Session.parse(read_private(ENV_FILE)[0])
        if session is not None and session.process == process and session.answers():
            return  # A run that still goes on has forgotten nothing.
        self._announce(f"  The last offload_local forgot {described(counts)}. Enqueue again what you need.")
        self._path.unlink(missing_ok=True)

    def watch(self, stop: threading.Event) -> None:
        """Keep the number on disk until `stop`."""
        pause = INTERVAL_SECONDS
        while not stop.wait(pause):
            started_at = time.monotonic()
            self.write()
            pause = max(INTERVAL_SECONDS, (time.monotonic() - started_at) / LARGEST_SHARE)

    def write(self) -> Mapping[str, int]:
        """Write the numbers of now to the disk, and return them."""
        with self._lock:
            counts = count_unfinished(self._aws)
            if counts != self._written:
                self._written = counts
                if any(counts.values()):
                    private_folder(self._path.parent)
                    text = json.dumps({"process": os.getpid(), **counts})
                    draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
                    draft.write_text(text)
                    draft.replace(self._path)
                else:
                    self._path.unlink(missing_ok=True)
            return counts

    def announce(self) -> None:
        """Announce how many tasks this run forgot, once it has ended."""
        counts = {kind: number for kind, number in self.write().items() if number}
        if counts:
            self._announce(f"Forgotten with it: {described(counts)}. Enqueue again what you need.")


def read(text: bytes) -> tuple[int, dict[str, int]]:
    """Return the process and the numbers in a file, or no numbers if it has none."""
    try:
        values = json.loads(text)
        return int(values["process"]), {kind: int(values[kind]) for kind in KINDS if values.get(kind)}
    except (ValueError, TypeError, KeyError):
        return 0, {}


def described(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    parts = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    return f"{total} accepted task{'s'[: total != 1]} ({parts})"
