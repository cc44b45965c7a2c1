"""A project with its stack, and what can befall them."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_offload.aws import clients
from django_offload.compat import TaskResult
from django_offload.conf import configured
from django_offload.exceptions import OffloadError
from django_offload.management.commands import offload_result, offload_status
from django_offload.protocol.transitions import postpone
from django_offload.testing.aws import OffloadAWS
from tests.integration.setup import claim_by_another, enqueued_before, record_of, store
from tests.unit.management.dead import given_up

MODULES = ["tests.unit.tasks", "tests.contract.tasks"]
AGO = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a scenario may do to the project."""

    aws: OffloadAWS
    settings: Any
    patch: pytest.MonkeyPatch
    folder: Path
    # What happens while a command waits for something to happen; after it, somebody presses Ctrl-C.
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def type(self, command: str, task_id: str) -> str:
        """Run a command line of the page for a task, and return all that it says."""
        self.patch.setattr(offload_result.Command, "pause", self.pause)
        self.patch.setattr(offload_status.Command, "pause", self.pause)
        words = shlex.split(command.replace("ID", task_id))
        out, err = StringIO(), StringIO()
        if words[0] == "aws":  # Of its own command line: tests/docs/holders.py looks whether it is one.
            return ""
        assert words[:2] == ["python", "manage.py"]
        try:
            call_command(*words[2:], stdout=out, stderr=err)
        except CommandError as exc:
            err.write(f"{exc}\n")
        except SystemExit:
            pass
        return out.getvalue() + err.getvalue()

    def pause(self, seconds: float) -> None:
        """Stand in for the time between two looks."""
        if not self.meanwhile:
            raise KeyboardInterrupt
        self.meanwhile.pop(0)()

    def queues(self, *names: str, **options: Any) -> None:
        """Give TASKS these queues and options; nothing is deployed."""
        changed = {**self.settings.TASKS["default"], "QUEUES": list(names)}
        changed["OPTIONS"] = {**changed["OPTIONS"], **options}
        self.settings.TASKS = {"default": changed}

    def away(self) -> None:
        """Let nothing answer where AWS was."""
        self.patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        self.patch.setattr(clients, "TRIES", 1)
        clients.reset_clients()

    def back(self) -> None:
        """Undo what was patched."""
        self.patch.undo()
        clients.reset_clients()

    def give_up(self, result: TaskResult, error: OffloadError) -> None:
        given_up(store(), result, error)

    def lose(self, result: TaskResult) -> None:
        """Let a record be due for some time, unseen by any sweeper."""
        due_was = record_of(result.id).due_at
        store().change(result.id, postpone(result.id, due_was=due_was, due_at=datetime.now(UTC) - AGO))

    def claim(self, result: TaskResult, *, lease: timedelta) -> None:
        """Let another worker be at it, since a while."""
        enqueued_before(result.id, AGO)
        claim_by_another(result.id, ago=timedelta(minutes=5), lease=lease)

    def bucket(self) -> Any:
        from django_offload.payloads import payloads_of

        return payloads_of(configured()["default"])
