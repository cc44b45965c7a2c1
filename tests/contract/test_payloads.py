"""What every place for large texts promises: what is kept comes back, or is said to be lost."""

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
def test_bytes_are_kept_as_they_are(payloads, data):
    payloads.put("dead/default/2026-03-01/m1", data)

    assert payloads.get("dead/default/2026-03-01/m1") == data


def test_what_was_never_kept_is_none(payloads):
    assert payloads.get("nothing") is None


@pytest.mark.parametrize("payloads", ["moto"], indirect=True)
def test_what_a_role_that_may_not_list_is_denied_may_be_gone(payloads):
    forbidden = (SimpleNamespace(status_code=403), {"Error": {"Code": "AccessDenied", "Message": "no"}})
    events = client("s3").meta.events
    events.register("before-call.s3.GetObject", lambda **kwargs: forbidden, unique_id="forbid")

    try:
        with pytest.raises(PayloadLost, match="'nothing' is gone, or denied to this role") as lost:
            payloads.get("nothing")
        assert lost.value.retryable
    finally:
        events.unregister("before-call.s3.GetObject", unique_id="forbid")


def test_a_key_is_written_over(payloads):
    payloads.put("k", b"first")
    payloads.put("k", b"second")

    assert payloads.get("k") == b"second"


def test_a_text_comes_back_by_its_reference(payloads):
    reference = payloads.keep("payloads/x/arguments", '["\\u00fc"]')

    assert payloads.fetch(reference) == '["\\u00fc"]'
    assert (reference.key, reference.size) == ("payloads/x/arguments", 10)


def test_a_text_that_is_gone_is_lost(payloads):
    reference = replace(payloads.keep("payloads/x/arguments", "[]"), key="payloads/y/arguments")

    with pytest.raises(
        PayloadLost, match=r"task's data in S3 under 'payloads/y/arguments' is gone\. Check the bucket"
    ):
        payloads.fetch(reference)


def test_a_text_that_was_changed_is_lost(payloads):
    reference = payloads.keep("payloads/x/arguments", "[1]")
    payloads.put("payloads/x/arguments", b"[2]")

    with pytest.raises(PayloadLost, match="is not what was kept there"):
        payloads.fetch(reference)


@pytest.mark.parametrize("payloads", ["moto"], indirect=True)
def test_the_buckets_name_follows_from_the_account_and_the_region(payloads):
    assert bucket_name(configured()["default"]) == "contract-payloads-123456789012-us-east-1"


def test_a_stack_without_a_bucket_keeps_nothing(settings):
    settings.TASKS = tasks_setting(modules=[], bucket=None)

    assert payloads_of(configured()["default"]) is None


def test_a_stack_knows_its_bucket_from_its_environment(settings, monkeypatch):
    settings.TASKS = tasks_setting(modules=[])
    monkeypatch.setenv("OFFLOAD_STACK", "contract")
    monkeypatch.setenv("OFFLOAD_BUCKET", "the-bucket")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    assert bucket_name(configured()["default"]) == "the-bucket"
