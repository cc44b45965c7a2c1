"""manage.py offload_sweep: run the sweeper once, from here."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...conf import configured, stacks
from ...stores import store_of
from ...worker.sweep import sweep
from ..base import FINE, WRONG, OffloadCommand


class Command(OffloadCommand):
    """Do once what the sweeper does every minute: send again what is due."""

    help = "Send again what is due and has no message any more, as the sweeper does every minute."
    example: ClassVar[str] = "manage.py offload_sweep --seconds 60"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=60.0, help="Stop after this long (default: 60).")

    def answer(self, **options: Any) -> int:
        if not configured():
            raise self.unusable("TASKS names no backend of django_offload. Add one, as the README shows.")
        self.above_zero("--seconds", options["seconds"])
        for each in stacks():
            # The sweeper goes on where AWS does not answer; who asks for it here wants to know.
            store_of(each).due(0, datetime.now(UTC), 1)
        done = self._sweep(options["seconds"])
        self.data(done)
        told = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
        self.line(f"Swept: {told}." if told else "Nothing was due.")
        return WRONG if done.get("failed") else FINE

    def _sweep(self, seconds: float) -> dict[str, int]:
        began = time.monotonic()
        with self.working("Sweeping") as work:

            def left() -> float:
                taken = time.monotonic() - began
                work.at(int(taken), int(seconds), "seconds")
                return seconds - taken

            return sweep(lambda: datetime.now(UTC), left)
