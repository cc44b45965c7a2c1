"""A stage that works while the doctor waits, and what its probes leave, for tests."""

import io
from datetime import UTC, datetime, timedelta

from botocore.awsrequest import AWSResponse
from moto.cloudwatch.models import cloudwatch_backends

from django_offload.aws import client
from django_offload.management.doctor import load
from django_offload.operations import probe
from tests.contract.setup import STACK
from tests.integration.setup import Queues
from tests.unit.management.commands import run_json


class Meanwhile:
    """Stands in for the time module: AWS works while the doctor sleeps."""

    def __init__(self, real, work):
        self.monotonic, self._sleep, self._work = real.monotonic, real.sleep, work

    def sleep(self, seconds):
        if self._work is None:
            self._sleep(seconds / 10)
        else:
            self._work()


def meanwhile(monkeypatch, work):
    for module in (probe, load):
        monkeypatch.setattr(module, "time", Meanwhile(__import__("time"), work))


class Clock:
    """Stands in for the time module: a sleep is over at once, and this clock goes on."""

    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def no_metrics():
    """Forget the metrics of the tests before."""
    for regions in cloudwatch_backends.values():
        for backend in regions.values():
            backend.metric_data.clear()


def sweeper_ran(aws, errors=0.0, invocations=1.0, ago=timedelta(minutes=1)):
    dimensions = [{"Name": "FunctionName", "Value": f"{STACK}-sweeper"}]
    at = datetime.now(UTC) - ago
    aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": at}
            for name, value in (("Invocations", invocations), ("Errors", errors))
        ],
    )


def diagnosis(*args):
    """Return the exit code, the texts of the findings by id, and the stack's probes."""
    code, report = run_json("offload_doctor", *args)
    texts = {}
    for finding in report["findings"]:
        texts.setdefault(finding["id"], []).append(finding["text"])
    return code, texts, report.get("probes", {}).get(STACK)


def nothing_is_left(aws):
    """Assert that no probe waits or is listed as a dead letter, also after everything was delivered."""
    aws.run()
    assert run_json("offload_dead", "list", "--failed")[1] == {"records": [], "bodies": []}
    queues = Queues(aws.client("sqs"))
    for queue in ("default", "reports", "default-dead", "reports-dead"):
        assert queues.counts(queue) == (0, 0)
    assert run_json("offload_doctor")[1]["stacks"][STACK] == {"oldest_ready": None, "oldest_running": None}


def refuse(operation, code="AccessDenied", service="s3"):
    """Let AWS refuse every call of an operation. Return what ends that."""
    events = client(service).meta.events
    body = f"<Error><Code>{code}</Code><Message>You may not.</Message></Error>".encode()

    class Raw(io.BytesIO):
        def stream(self, *args, **kwargs):
            yield self.read()

    def answer(request, **kwargs):
        return AWSResponse(request.url, 403, {}, Raw(body))

    event = f"before-send.{service}.{operation}"
    events.register_first(event, answer, unique_id="refused")
    return lambda: events.unregister(event, unique_id="refused")
