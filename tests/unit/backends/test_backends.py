"""What the backends decide before anything is sent."""

from types import SimpleNamespace

import pytest

from django_offload.backends import base
from tests.unit import tasks


@pytest.mark.parametrize(
    ("alias", "in_atomic_block", "waits"),
    [("default", True, True), ("default", False, False), ("other", True, False)],
)
def test_only_a_transaction_of_the_default_database_is_waited_for(
    ours, monkeypatch, alias, in_atomic_block, waits
):
    opened = SimpleNamespace(alias=alias, in_atomic_block=in_atomic_block)
    asked = []

    def connections(initialized_only=False):
        asked.append(initialized_only)
        return [opened]

    monkeypatch.setattr(base, "connections", SimpleNamespace(all=connections))

    assert tasks.double.get_backend().waits_for_commit() is waits
    assert asked == [True], "a thread without a connection makes none for the question"
