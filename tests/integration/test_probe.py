"""The doctor's probes: to a worker and back by each backend, and through a dead-letter queue and back."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.management.doctor import load
from django_offload.operations import probe
from tests.contract.setup import STACK
from tests.integration.doctor import diagnosis
from tests.unit.management.commands import run, run_json


class Meanwhile:
    """Stands in for the time module: AWS works while the doctor sleeps."""

    def __init__(self, real, aws):
        self.monotonic, self._aws = real.monotonic, aws

    def sleep(self, seconds):
        self._aws.run()


@pytest.fixture
def working(aws, monkeypatch):
    """AWS whose handlers work while the doctor waits, and whose sweeper has run."""
    for module in (probe, load):
        monkeypatch.setattr(module, "time", Meanwhile(module.time, aws))
    sweeper_ran(aws)
    return aws


def sweeper_ran(aws, errors=0.0, ago=timedelta(minutes=1)):
    dimensions = [{"Name": "FunctionName", "Value": f"{STACK}-sweeper"}]
    at = datetime.now(UTC) - ago
    aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": at}
            for name, value in (("Invocations", 1.0), ("Errors", errors))
        ],
    )


def test_every_queue_and_backend_answers_and_a_dead_letter_comes_back(working):
    code, report = run_json("offload_doctor", "--probe")

    assert (code, report["findings"]) == (0, [])
    probes = report["probes"][STACK]
    assert {(each["alias"], each["queue"]) for each in probes["probes"]} == {
        (alias, queue) for alias, options in configured().items() for queue in options.queues
    }
    assert all(each["through_bucket"] for each in probes["probes"])
    assert set(probes["dead_letter_seconds"]) == {"default", "reports"}
    assert probes["sweeper_ran_at"]


def test_for_readers(working):
    code, output = run("offload_doctor", "--probe")
    print(output)
    assert code == 0


def test_a_load_is_measured(working):
    code, report = run_json("offload_doctor", "--load", "25", "--queue", "reports")

    load = report["probes"][STACK]["load"]
    assert (code, report["findings"]) == (0, [])
    assert (load["sent"], load["ended"], load["failed"], load["unanswered"]) == (25, 25, 0, 0)
    assert load["refused"] == {}
    assert load["per_second"] > 0
    assert load["sent_per_second"] > 0
    assert 0 <= load["delay_seconds"]["p50"] <= load["delay_seconds"]["p99"] <= load["delay_seconds"]["longest"]
