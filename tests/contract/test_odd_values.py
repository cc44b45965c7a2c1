"""No store takes a value that somebody else wrote for one of its own type."""

from itertools import product

import pytest
from botocore.exceptions import ClientError

from django_offload.exceptions import OffloadError
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.transitions import abandon, release, set_aside, spend, succeed
from django_offload.stores import Store
from django_offload.stores.memory import MemoryStore
from tests.contract.records import AGAIN, ERROR, NOW, TOKEN, claimed, new_id, states, storing
from tests.contract.test_store import END, HELD, WAIT

# Values of another type than the protocol writes, which no condition may take for one of its own.
ODD = [
    *[("status", value) for value in (1, True, ["READY"], "ready")],
    *[("fence", value) for value in ("1", ["1"])],
    *[("token", value) for value in (1, True, [TOKEN])],
    *[("cancelled", value) for value in (False, 0, "")],
]
OVER_ODD = {
    "claim": claimed,
    "succeed": lambda i: succeed(**HELD, **END, stored={"result": "42"}),
    "release": lambda i: release(i, **HELD, **WAIT),
    "abandon": lambda i: abandon(**END, error=ERROR),
    "set aside": lambda i: set_aside(i, {"due_at": to_micros(NOW)}, now=NOW, due_at=AGAIN),
}


def outcome(store: Store, task_id: str, attributes: Attributes, change: ConditionalWrite) -> str:
    """Return whether a store makes a change to a record."""
    odd = {**attributes, "id": task_id}
    store.change(task_id, storing(odd))
    try:
        store.change(task_id, change)
    except Refused:
        return "refused"
    except (TypeError, ClientError, OffloadError):  # As AWS refuses to add to a text.
        return "failed"
    return "made"


@pytest.mark.parametrize("state", ["ready", "lost"])
def test_every_store_takes_the_same_changes_to_odd_values(store, state):
    for (name, value), change in product(ODD, OVER_ODD):
        task_id = new_id()
        odd = {**(states(task_id)[state] or {}), name: value}
        made = outcome(MemoryStore(), task_id, odd, OVER_ODD[change](task_id))

        assert outcome(store, task_id, odd, OVER_ODD[change](task_id)) == made, f"{change}: {name}={value!r}"


@pytest.mark.parametrize("value", ["0", "", True, False, ["0"]])
def test_a_number_is_compared_with_numbers_alone(value):
    """As in DynamoDB, where such a comparison is false. Moto's server fails instead, or takes True for 1."""
    for state, name in (("ready", "not_before"), ("lost", "lease_until")):
        task_id = new_id()
        assert not claimed(task_id).allowed({**(states(task_id)[state] or {}), name: value})
    spending = spend(count=1, limit=9, token="f" * 16, ttl=2**33)
    assert spending.allowed({"spent": 8, "ttl": 1, "token": value})
    assert not spending.allowed({"spent": value, "ttl": 1, "token": "a"})
    assert not succeed(**HELD, **END, stored={}).allowed({"status": "RUNNING", "token": TOKEN, "fence": True})
