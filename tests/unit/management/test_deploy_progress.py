"""offload_deploy counts uploaded bytes and finished resources."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from django_offload.deploy.package.archive import Archive
from django_offload.deploy.release.change_set import ChangeSet
from django_offload.deploy.release.stack_events import event_line
from django_offload.management.commands.offload_deploy import Command


class RecordedProgress:
    """A progress display that records its updates."""

    def __init__(self) -> None:
        self.updates: list[tuple[float, float | None, str]] = []

    def update(self, done: float, total: float | None = None, text: str = "") -> None:
        self.updates.append((done, total, text))


@pytest.fixture
def recorded() -> RecordedProgress:
    return RecordedProgress()


@pytest.fixture
def command(recorded: RecordedProgress, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command with `recorded` as its progress display."""

    @contextmanager
    def progress(label: str) -> Iterator[RecordedProgress]:
        yield recorded

    command = Command(stdout=StringIO())
    monkeypatch.setattr(command, "progress", progress)
    return command


def event(name: str, status: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": name,
        "ResourceStatus": status,
        "Timestamp": datetime(2026, 3, 1, tzinfo=UTC),
    }


def deployment(*statuses: tuple[str, str]) -> Any:
    """Return a deployment that announces these events."""
    stub = SimpleNamespace(outputs=dict)
    stub.apply = lambda release, change, steps: [stub.say(event_line(event(*status))) for status in statuses]
    return stub


def test_resources_are_counted_once_each_when_they_are_there(
    command: Command, recorded: RecordedProgress
) -> None:
    stub = deployment(
        ("Table", "CREATE_IN_PROGRESS"),
        ("Table", "CREATE_COMPLETE"),
        ("Sweeper", "UPDATE_COMPLETE"),
        ("Sweeper", "DELETE_COMPLETE"),
        ("shop-dev", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("shop-dev", "UPDATE_COMPLETE"),
    )
    stub.say = command.announce
    change = SimpleNamespace(changes=[{}, {}])

    command.apply(stub, SimpleNamespace(id="1"), change, {"no_web": True, "no_migrate": True})

    assert [done for done, total, _ in recorded.updates] == [0, 1, 2, 2, 2, 3]
    assert {(total, text) for _, total, text in recorded.updates} == {(3, "resources")}


def test_where_only_code_changes_nothing_is_counted(command: Command, recorded: RecordedProgress) -> None:
    stub = deployment()
    stub.apply = lambda release, change, steps: command.announce("Deploying the web side")

    command.apply(stub, SimpleNamespace(id="1"), None, {"no_web": False, "no_migrate": True})

    assert recorded.updates == [(0, None, "")]


def test_bytes_are_counted_while_they_leave(command: Command, recorded: RecordedProgress) -> None:
    package = Archive(path=Path("x.zip"), sha256="0", size=3 * 2**20, unzipped=0, files=1)

    def put(package: Archive, sent: Any) -> None:
        for _ in range(3):
            sent(2**20)

    command.upload(SimpleNamespace(releases=SimpleNamespace(put_package=put)), package)

    assert recorded.updates == [(1.0, 3.0, "MiB"), (2.0, 3.0, "MiB"), (3.0, 3.0, "MiB")]


def test_what_is_replaced_or_removed_is_red_on_terminals(command: Command) -> None:
    kinds = {"Add": "", "Modify": "True", "Remove": ""}
    changes = [
        {
            "ResourceChange": {
                "Action": action,
                "Replacement": replaced,
                "ResourceType": "T",
                "LogicalResourceId": "R",
            }
        }
        for action, replaced in kinds.items()
    ]
    command.coloured = True

    command.show_changes(ChangeSet(stack="shop-dev", arn="a", creates=False, changes=tuple(changes)))

    lines = [line for line in command.stdout.getvalue().splitlines() if line.startswith("\x1b")]
    assert ["Modify, REPLACED" in lines[0], "Remove" in lines[1], len(lines)] == [True, True, 2]
