"""Every implementation of payloads returns what was stored, or raises PayloadLost."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from django_offload.aws import client
from django_offload.conf import configured
from django_offload.exceptions import PayloadLost
from django_offload.payloads import bucket_name, payloads_of
from django_offload.payloads.memory import MemoryPayloads
from tests.contract.setup import TASK_MODULES, tasks_setting


@pytest.fixture(params=["memory", "moto"])
def payloads(request, settings):
    if request.param == "memory":
        return MemoryPayloads()
    settings.TASKS = tasks_setting(modules=TASK_MODULES)
    request.getfixturevalue("offload_aws")
    return payloads_of(configured()["default"])


@pytest.mark.parametrize(
    "data", [b"", b"a", bytes(range(256)), b"x" * 2_000_000], ids=["0", "1", "all", "2 MB"]
)
def test_bytes_are_stored_unchanged(payloads, data):
    payloads.put("dead/default/2026-03-01/m1", data)

    assert payloads.get("dead/default/2026-03-01/m1") == data


def test_get_returns_none_for_a_missing_key(payloads):
    assert payloads.get("nothing") is None


@pytest.mark.parametrize("payloads", ["moto"], indirect=True)
def test_denied_access_is_a_retryable_loss(payloads):
    forbidden = (SimpleNamespace(status_code=403), {"Error": {"Code": "AccessDenied", "Message": "no"}})
    events = client("s3").meta.events
    events.register("before-call.s3.GetObject", lambda **kwargs: forbidden, unique_id="forbid")

    try:
        with pytest.raises(PayloadLost, match="'nothing' is gone, or denied to this role") as lost:
            payloads.get("nothing")
        assert lost.value.retryable
    finally:
        events.unregister("before-call.s3.GetObject", unique_id="forbid")


def test_put_overwrites_a_key(payloads):
    payloads.put("k", b"first")
    payloads.put("k", b"second")

    assert payloads.get("k") == b"second"


def test_fetch_returns_the_text_of_a_reference(payloads):
    reference = payloads.keep("payloads/x/arguments", '["\\u00fc"]')

    assert payloads.fetch(reference) == '["\\u00fc"]'
    assert (reference.key, reference.size) == ("payloads/x/arguments", 10)


def test_a_text_that_is_gone_is_lost(payloads):
    reference = replace(payloads.keep("payloads/x/arguments", "[]"), key="payloads/y/arguments")

    with pytest.raises(
        PayloadLost, match=r"keeps in S3 under 'payloads/y/arguments' is gone\. Check the bucket"
    ):
        payloads.fetch(reference)


def test_a_text_that_was_changed_is_lost(payloads):
    reference = payloads.keep("payloads/x/arguments", "[1]")
    payloads.put("payloads/x/arguments", b"[2]")

    with pytest.raises(PayloadLost, match="is different from what was stored"):
        payloads.fetch(reference)


@pytest.mark.parametrize("payloads", ["moto"], indirect=True)
def test_the_buckets_name_contains_the_account_and_the_region(payloads):
    assert bucket_name(configured()["default"]) == "contract-payloads-123456789012-us-east-1"


def test_a_stack_without_a_bucket_has_no_payloads(settings):
    settings.TASKS = tasks_setting(modules=[], bucket=None)

    assert payloads_of(configured()["default"]) is None


def test_the_buckets_name_can_come_from_the_environment(settings, monkeypatch):
    settings.TASKS = tasks_setting(modules=[])
    monkeypatch.setenv("OFFLOAD_STACK", "contract")
    monkeypatch.setenv("OFFLOAD_BUCKET", "the-bucket")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    assert bucket_name(configured()["default"]) == "the-bucket"
