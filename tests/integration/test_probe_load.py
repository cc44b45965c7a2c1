"""The doctor's load: many probes through one queue, measured, and none without a yes."""

import io

import pytest

from django_offload.exceptions import Refusal
from django_offload.management.commands import offload_doctor
from django_offload.management.doctor import load
from tests.contract.setup import STACK
from tests.faults import WrappedStore, WrappedTransport, store_with, transport_with
from tests.integration.probing import diagnosis, meanwhile, nothing_is_left
from tests.unit.management.commands import run, run_json


def test_a_load_is_measured(working):
    code, texts, found = diagnosis("--load", "25", "--queue", "reports")

    report = found["load"]
    assert (code, texts) == (0, {})
    assert (report["sent"], report["ended"], report["failed"], report["unanswered"]) == (25, 25, 0, 0)
    assert report["refused"] == {}
    assert report["per_second"] > 0
    assert report["sent_per_second"] > 0
    delays = report["delay_seconds"]
    assert 0 <= delays["p50"] <= delays["p99"] <= delays["longest"]


class Throttled(Refusal):
    def __init__(self):
        error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        super().__init__("the call", 400, {"Error": error, "ResponseMetadata": {"HTTPHeaders": {}}})


class ThrottledStore(WrappedStore):
    def change(self, task_id, change):
        raise Throttled


class ThrottledTransport(WrappedTransport):
    def send(self, queue, text, delay, group=None):
        raise Throttled


def test_throttled_sends_of_a_load_are_counted(working, monkeypatch):
    send = offload_doctor.send_load

    def send_throttled(*args):
        with store_with(ThrottledStore), transport_with(ThrottledTransport):
            return send(*args)

    monkeypatch.setattr(offload_doctor, "send_load", send_throttled)

    code, texts, found = diagnosis("--load", "12")

    assert (code, set(texts)) == (1, {"load-refused"})
    assert texts["load-refused"] == ["AWS refused 12 of 12 probes: 12 × ThrottlingException."]
    assert found["load"]["sent"] == 0
    nothing_is_left(working)


def test_a_load_that_nobody_works_on_is_cancelled(working, monkeypatch):
    send = offload_doctor.send_load

    def send_alone(*args):
        meanwhile(monkeypatch, None)
        return send(*args)

    monkeypatch.setattr(offload_doctor, "send_load", send_alone)

    code, texts, found = diagnosis("--load", "12", "--timeout", "0.5")

    assert (code, set(texts)) == (1, {"load-unanswered"})
    assert "12 of 12 probes didn't end in time and were cancelled, and 0 failed." in texts["load-unanswered"]
    assert found["load"]["unanswered"] == 12
    assert run_json("offload_doctor")[1]["stacks"][STACK]["oldest_ready"] is None, "before a worker runs it"
    nothing_is_left(working)


def test_no_load_is_sent_if_a_probe_did_not_come_back(working, monkeypatch):
    meanwhile(monkeypatch, None)

    code, texts, found = diagnosis("--load", "12", "--timeout", "0.1")

    assert code == 1
    assert texts["load-unsent"] == ["The load wasn't sent, because a probe found a problem."]
    assert "load" not in found


@pytest.fixture
def in_aws(aws, monkeypatch):
    """AWS itself, for all that the command knows: sending costs money."""
    for module in (offload_doctor, load):
        monkeypatch.setattr(module, "is_local_aws", lambda: False)


def test_a_load_says_what_it_costs_and_sends_nothing_without_a_yes(in_aws, monkeypatch):
    text = "1,000,000 probes through TASKS['default'] and contract-default cost about $"
    code, output = run("offload_doctor", "--load", "1000000", "--dry-run")
    assert code == 0
    assert output.startswith(text)
    assert output.strip().endswith("at most, by the prices of us-east-1.")
    assert run_json("offload_doctor", "--load", "1000000", "--dry-run")[1]["load"]["dollars"] > 3

    # The tests have no terminal.
    assert run("offload_doctor", "--load", "10", "--timeout", "0.1") == (
        2,
        "This needs a confirmation, but there's no terminal to ask on. Add --yes, or see the cost first with "
        "--dry-run.",
    )

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    code, output = run("offload_doctor", "--load", "10", "--timeout", "0.1")
    assert (code, output.splitlines()[-1]) == (0, "Nothing was sent.")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--load", "0"], "--load must be above 0."),
        (["--timeout", "nan", "--probe"], "--timeout must be above 0."),
        (["--yes"], "--yes belongs to --load. Add --load N."),
        (["--load", "1", "--alias", "nobody"], "TASKS has no alias 'nobody' of ours. Use default or other."),
        (["--load", "1", "--queue", "none"], "TASKS['default'] has no queue 'none'. Use default or reports."),
    ],
)
def test_wrong_usage_is_refused(aws, args, text):
    assert run("offload_doctor", *args) == (2, text)
