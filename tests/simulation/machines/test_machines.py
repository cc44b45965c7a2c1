"""Each machine holds for the protocol as it is, and fails where its guard is taken away."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from django_offload.conf import options
from django_offload.definition.registry import Registry, name_of
from django_offload.outbox import drain
from django_offload.protocol import transitions
from django_offload.worker import attempt, batch, delivery, progress_writer
from django_offload.worker.sweeping import Sweeper, sweeper
from tests.simulation import deploys
from tests.simulation.machines.record_machine import CancelMachine, LeaseMachine, ProgressMachine
from tests.simulation.machines.world_machine import (
    BatchMachine,
    DeployMachine,
    EnqueueMachine,
    KeyMachine,
    OutboxMachine,
    ResultMachine,
    ShardsMachine,
    stale_reads,
)
from tests.simulation.mutants.planted import MUTANTS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

type Guardless = Callable[[], AbstractContextManager[Any]]

DEFECTS = {mutant.name: mutant.defect for mutant in MUTANTS}


@contextmanager
def no_aliases() -> Any:
    """Register tasks under their own names alone."""
    add = Registry.add

    def unaliased(self: Registry, name: str, task: Any, home: str, defines: bool) -> None:
        if name == name_of(task):
            add(self, name, task, home, defines)

    deploys.next_release.cache_clear()
    with mock.patch.object(Registry, "add", unaliased):
        yield
    deploys.next_release.cache_clear()


def only_the_newest() -> list[str]:
    """Return the secrets as if nobody looked at SECRET_KEY_FALLBACKS."""
    return options.signing_keys()[:1]


MACHINES: dict[type[RuleBasedStateMachine], Guardless] = {
    EnqueueMachine: lambda: mock.patch.object(Sweeper, "look", DEFECTS["sweeper blind to lost messages"]),
    LeaseMachine: lambda: mock.patch.object(transitions, "holds_claim", DEFECTS["neither fence nor token"]),
    BatchMachine: lambda: mock.patch.object(batch.BatchItem, "settle", DEFECTS["acknowledged on error"]),
    CancelMachine: lambda: mock.patch.object(attempt, "claim", DEFECTS["cancelled task claimed"]),
    ResultMachine: stale_reads,
    ShardsMachine: lambda: mock.patch.object(sweeper, "turns", DEFECTS["a sweeper reads two shards"]),
    DeployMachine: no_aliases,
    KeyMachine: lambda: mock.patch.object(delivery, "signing_keys", only_the_newest),
    OutboxMachine: lambda: mock.patch.object(drain, "drain", return_value=0),
    ProgressMachine: lambda: mock.patch.object(
        progress_writer, "report", DEFECTS["progress without condition"]
    ),
}


def run(machine: type[RuleBasedStateMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=14,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_the_machine_holds(machine):
    run(machine, examples=25)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_the_machine_fails_without_its_guard(machine):
    with MACHINES[machine](), pytest.raises(AssertionError):
        run(machine, examples=200)
