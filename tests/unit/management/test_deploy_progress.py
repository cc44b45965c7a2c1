"""How far a deployment is: bytes that have left, resources that are there."""

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


class Told:
    """Work that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[float, float | None, str]] = []

    def at(self, done: float, total: float | None = None, text: str = "") -> None:
        self.said.append((done, total, text))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def command(told: Told, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command with `told` for its bars."""

    @contextmanager
    def working(what: str) -> Iterator[Told]:
        yield told

    made = Command(stdout=StringIO())
    monkeypatch.setattr(made, "working", working)
    return made


def event(name: str, status: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": name,
        "ResourceStatus": status,
        "Timestamp": datetime(2026, 3, 1, tzinfo=UTC),
    }


def deployment(*statuses: tuple[str, str]) -> Any:
    """Return a deployment that tells the command of these events."""
    made = SimpleNamespace(outputs=dict)
    made.apply = lambda release, change, steps: [made.say(event_line(event(*each))) for each in statuses]
    return made


def test_resources_are_counted_once_each_when_they_are_there(command: Command, told: Told) -> None:
    made = deployment(
        ("Table", "CREATE_IN_PROGRESS"),
        ("Table", "CREATE_COMPLETE"),
        ("Sweeper", "UPDATE_COMPLETE"),
        ("Sweeper", "DELETE_COMPLETE"),
        ("shop-dev", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("shop-dev", "UPDATE_COMPLETE"),
    )
    made.say = command.tell
    change = SimpleNamespace(changes=[{}, {}])

    command._apply(made, SimpleNamespace(id="1"), change, {"no_web": True, "no_migrate": True})

    assert [done for done, total, _ in told.said] == [0, 1, 2, 2, 2, 3]
    assert {(total, text) for _, total, text in told.said} == {(3, "resources")}


def test_where_only_code_changes_nothing_is_counted(command: Command, told: Told) -> None:
    made = deployment()
    made.apply = lambda release, change, steps: command.tell("Deploying the web side")

    command._apply(made, SimpleNamespace(id="1"), None, {"no_web": False, "no_migrate": True})

    assert told.said == [(0, None, "")]


def test_bytes_are_counted_while_they_leave(command: Command, told: Told) -> None:
    package = Archive(path=Path("x.zip"), sha256="0", size=3 * 2**20, unzipped=0, files=1)

    def put(package: Archive, sent: Any) -> None:
        for _ in range(3):
            sent(2**20)

    command._upload(SimpleNamespace(releases=SimpleNamespace(put_package=put)), package)

    assert told.said == [(1.0, 3.0, "MiB"), (2.0, 3.0, "MiB"), (3.0, 3.0, "MiB")]


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

    command._show(ChangeSet(stack="shop-dev", arn="a", creates=False, changes=tuple(changes)))

    lines = [line for line in command.stdout.getvalue().splitlines() if line.startswith("\x1b")]
    assert ["Modify, REPLACED" in lines[0], "Remove" in lines[1], len(lines)] == [True, True, 2]
