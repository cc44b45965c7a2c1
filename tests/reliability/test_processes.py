"""F28 and F32: what a process must not share with its children, nor trust after a freeze."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from django_offload.aws import clients
from django_offload.conf import CLIENTS
from django_offload.testing import Invocation, sweep_event
from django_offload.worker import connections as workers
from django_offload.worker import sweep
from django_offload.worker.connections import close_old_connections
from tests.contract.setup import tasks_setting
from tests.reliability import tasks
from tests.reliability.databases import ledger
from tests.reliability.line import MemoryLine
from tests.reliability.postgresql import PostgreSQL

IDS = 10_000


def in_children(*works: Callable[[], list[str]]) -> list[list[str]]:
    """Run each in a forked child, at the same time, and return the lines that each returns."""
    pipes: list[tuple[int, int]] = []
    for work in works:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                with os.fdopen(writing, "w") as pipe:
                    pipe.write("\n".join(work()))
            finally:
                os._exit(0)
        os.close(writing)
        pipes.append((pid, reading))
    found = []
    for pid, reading in pipes:
        with os.fdopen(reading) as pipe:
            found.append(pipe.read().splitlines())
        os.waitpid(pid, 0)
    return found


def test_f28_forked_children_choose_ids_of_their_own(line: MemoryLine) -> None:
    tasks.plain.enqueue(0)  # Whatever a process keeps for its ids, it has now.

    def enqueue() -> list[str]:
        return [tasks.plain.enqueue(number).id for number in range(IDS)]

    first, second = in_children(enqueue, enqueue)

    assert (len(first), len(second)) == (IDS, IDS)
    assert len({*first, *second}) == 2 * IDS


@pytest.mark.parametrize("kind", CLIENTS)
def test_f28_a_forked_child_has_aws_clients_of_its_own(
    settings: Any, request: pytest.FixtureRequest, kind: str
) -> None:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks"])
    request.getfixturevalue("offload_aws")

    def made() -> Any:
        return clients.client("dynamodb", kind)

    ours = made()

    def look() -> list[str]:
        return [str(made() is ours), str(made() is made())]

    assert in_children(look) == [["False", "True"]]
    assert made() is ours


type Frozen = tuple[MemoryLine, Callable[[], int]]


@pytest.fixture
def frozen(
    postgresql_database: dict[str, Any],
    postgresql: PostgreSQL,
    line: MemoryLine,
    monkeypatch: pytest.MonkeyPatch,
) -> Frozen:
    """A worker that keeps its connection between invocations, and what cuts that from the server's side."""
    # A test's connections are left alone otherwise; here they are the worker's.
    monkeypatch.setattr(workers, "close_old_connections", close_old_connections)
    connection.settings_dict["CONN_MAX_AGE"] = None
    return line, lambda: postgresql.cut_connections(postgresql_database["NAME"])


def test_f32_a_connection_that_died_in_a_freeze_is_replaced_before_the_next_task(
    frozen: Frozen,
) -> None:
    line, cut = frozen
    for number in range(3):
        result = tasks.writing.enqueue(number)
        assert line.work(*line.receive()) == []
        assert line.record(result.id).status == "SUCCESSFUL", line.record(result.id).error
        assert cut() == 1, "the worker keeps its connection"

    connection.close()
    assert ledger() == ["0", "1", "2"]


def test_f32_the_sweeper_too_finds_a_connection_that_lives(frozen: Frozen, settings: Any) -> None:
    line, cut = frozen
    for _ in range(3):
        done = sweep.handler(
            sweep_event("contract-sweeper", line.site.clock()),
            Invocation("contract-sweeper"),
            line.site.clock,
        )
        assert "failed" not in done
        assert cut() == 1
    connection.close()
