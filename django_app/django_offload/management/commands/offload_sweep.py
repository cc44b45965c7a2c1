"""manage.py offload_sweep: run the sweeper once, in this process."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...aws import READ_SECONDS
from ...conf import stacks
from ...stores import store_of
from ...worker.sweep import sweep
from ..base import EXIT_OK, EXIT_PROBLEM, OffloadCommand


class Command(OffloadCommand):
    help = "Send due tasks again if their message is lost, as the sweeper does every minute."
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = "manage.py offload_sweep --seconds 60"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=60.0, help="Stop after this time (60).")

    def run(self, **options: Any) -> int:
        self.require_backend()
        seconds = options["seconds"]
        self.require_positive("--seconds", seconds)
        for stack in stacks():
            # The sweeper only logs that AWS doesn't answer, but this command must report it.
            store_of(stack).due(0, datetime.now(UTC), 1)
        started_at = time.monotonic()
        with self.progress("Sweeping") as progress:

            def seconds_left() -> float:
                elapsed = time.monotonic() - started_at
                progress.update(int(elapsed), int(seconds), "seconds")
                return float(seconds - elapsed)

            counts = sweep(lambda: datetime.now(UTC), seconds_left)
        self.write_json(counts)
        text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        self.write_line(f"Swept: {text}." if text else "Nothing was due.")
        return EXIT_PROBLEM if counts.get("failed") else EXIT_OK
