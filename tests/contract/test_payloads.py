"""What every place for payloads promises: what is kept is found, listed and forgotten."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.exceptions import PayloadLost
from django_offload.payloads import payloads_of
from django_offload.payloads.memory import MemoryPayloads
from tests.contract.setup import TASK_MODULES, tasks_setting


@pytest.fixture(params=["memory", "moto"])
def payloads(request, settings):
    if request.param == "memory":
        return MemoryPayloads()
    settings.TASKS = tasks_setting(modules=TASK_MODULES)
    request.getfixturevalue("offload_aws")
    return payloads_of(configured()["default"])


def test_what_is_kept_is_read(payloads):
    payloads.put("dead/a", b"\x00\xff")

    assert payloads.get("dead/a") == b"\x00\xff"
    assert payloads.get("dead/b") is None


def test_a_text_is_fetched_by_its_reference(payloads):
    reference = payloads.keep("payloads/1/arguments", "x" * 400_000)

    assert payloads.fetch(reference) == "x" * 400_000
    assert (reference.key, reference.size) == ("payloads/1/arguments", 400_000)


@pytest.mark.parametrize("change", ["gone", "not what was kept there"])
def test_a_text_that_is_gone_or_changed_is_lost(payloads, change):
    reference = payloads.keep("payloads/1/arguments", "text")
    if change == "gone":
        payloads.delete(reference.key)
    else:
        payloads.put(reference.key, b"other")

    with pytest.raises(PayloadLost, match=f"is {change}."):
        payloads.fetch(reference)


def test_keys_are_listed_in_order_with_size_and_time(payloads):
    for key, data in {"dead/b": b"12", "dead/a": b"1", "deadly": b"", "payloads/a": b""}.items():
        payloads.put(key, data)

    found = list(payloads.under("dead/"))

    assert [(kept.key, kept.size) for kept in found] == [("dead/a", 1), ("dead/b", 2)]
    assert all(abs(datetime.now(UTC) - kept.kept_at) < timedelta(minutes=1) for kept in found)


def test_what_is_deleted_is_neither_read_nor_listed(payloads):
    payloads.put("dead/a", b"1")

    payloads.delete("dead/a")
    payloads.delete("dead/a")

    assert payloads.get("dead/a") is None
    assert list(payloads.under("dead/")) == []
