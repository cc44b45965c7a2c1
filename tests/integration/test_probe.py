"""The doctor's probes: to a worker and back by each backend, and through a dead-letter queue and back."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from botocore.awsrequest import AWSResponse
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.test import override_settings
from moto.cloudwatch.models import cloudwatch_backends

from django_offload.aws import client
from django_offload.definition import probe as definition_probe
from django_offload.definition import registry
from django_offload.exceptions import Refusal
from django_offload.management.commands import offload_doctor
from django_offload.management.doctor import load
from django_offload.management.doctor import probe as doctor_probe
from django_offload.operations import probe
from tests.contract.setup import STACK, tasks_setting
from tests.faults import WrappedStore, WrappedTransport, store_with, transport_with
from tests.integration.setup import MODULES, Queues, record_of
from tests.unit.management.commands import run, run_json

WAYS = {("default", "default"), ("default", "reports"), ("other", "default"), ("other", "reports")}


class Meanwhile:
    """Stands in for the time module: AWS works while the doctor sleeps."""

    def __init__(self, real, work):
        self.monotonic, self._sleep, self._work = real.monotonic, real.sleep, work

    def sleep(self, seconds):
        if self._work is None:
            self._sleep(seconds / 10)
        else:
            self._work()


@pytest.fixture
def working(aws, monkeypatch):
    """AWS whose handlers work while the doctor waits, and whose sweeper has run."""
    meanwhile(monkeypatch, aws.run)
    no_metrics()
    sweeper_ran(aws)
    return aws


def meanwhile(monkeypatch, work):
    for module in (probe, load):
        monkeypatch.setattr(module, "time", Meanwhile(__import__("time"), work))


def no_metrics():
    """Forget the metrics of the tests before."""
    for regions in cloudwatch_backends.values():
        for backend in regions.values():
            backend.metric_data.clear()


def sweeper_ran(aws, errors=0.0):
    dimensions = [{"Name": "FunctionName", "Value": f"{STACK}-sweeper"}]
    at = datetime.now(UTC) - timedelta(minutes=1)
    aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": at}
            for name, value in (("Invocations", 1.0), ("Errors", errors))
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


def test_every_queue_and_backend_answers_and_a_dead_letter_comes_back(working):
    signals = []

    def receiver(sender, task_result, **kwargs):
        signals.append(task_result)

    for signal in (task_enqueued, task_started, task_finished):
        signal.connect(receiver)
    try:
        code, texts, found = diagnosis("--probe")
    finally:
        for signal in (task_enqueued, task_started, task_finished):
            signal.disconnect(receiver)

    assert (code, texts) == (0, {})
    assert {(each["alias"], each["queue"]) for each in found["probes"]} == WAYS
    assert all(each["through_bucket"] for each in found["probes"])
    assert all(each["end_to_end"] >= each["run"] >= 0 for each in found["probes"])
    # The process of the tests has run for longer than a probe takes.
    assert {each["cold_start"] for each in found["probes"]} == {None}
    assert set(found["dead_letter_seconds"]) == {"default", "reports"}
    assert found["sweeper_ran_at"]
    assert signals == [], "the project's receivers would take a probe for a task of the project"
    nothing_is_left(working)


def test_for_readers_the_times_are_a_table(working):
    code, output = run("offload_doctor", "--probe")

    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("backend"))
    assert code == 0
    assert lines[start].split("  ")[0] == "backend"
    assert {tuple(line.split()[:2]) for line in lines[start + 1 : start + 5]} == WAYS
    assert lines[start + 5].startswith(f"{STACK}: the sweeper last ran at 20")
    assert lines[-1] == "No problems found."


def test_a_bucket_that_is_not_there_is_not_needed(working, settings):
    for alias in settings.TASKS.values():
        alias["OPTIONS"]["bucket"] = None
    settings.TASKS = {**settings.TASKS}

    code, texts, found = diagnosis("--probe")

    assert (code, texts) == (0, {})
    assert not any(each["through_bucket"] for each in found["probes"])


def test_an_older_release_is_to_be_replaced_first_and_keeps_nothing(working, monkeypatch):
    def work_as_an_older_release():
        with monkeypatch.context() as older:
            older.setattr(registry, "PROBE", "unheard of")
            working.run()

    meanwhile(monkeypatch, work_as_an_older_release)

    code, report = run_json("offload_doctor", "--probe")

    (finding,) = report["findings"]
    assert (code, finding["id"]) == (1, "probe-unknown")
    assert finding["text"] == (
        "The deployed release doesn't know the probe, because it is older. Nothing was left behind."
    )
    assert finding["mend"].startswith("Deploy this release first.")
    assert report["probes"][STACK]["probes"] == []
    with monkeypatch.context() as older:
        older.setattr(registry, "PROBE", "unheard of")
        working.run()
    nothing_is_left(working)


def test_workers_that_never_answer_are_named_and_their_probes_are_ended(working, monkeypatch):
    meanwhile(monkeypatch, None)

    code, texts, found = diagnosis("--probe", "--timeout", "0.2")

    assert code == 1
    assert texts == {
        "probe-dead-letter": [
            f"A dead letter of {STACK}-{queue} didn't come back: The dead-letter function hasn't ended the "
            "record within 0.2 s. Its record is READY."
            for queue in ("default", "reports")
        ],
        "probe-failed": [
            f"A probe by TASKS['{alias}'] and {STACK}-{queue} didn't come back: No worker has answered "
            "within 0.2 s. Its record is READY."
            for alias, queue in sorted(WAYS)
        ],
    }
    assert found["probes"] == []
    nothing_is_left(working)


def test_a_queue_that_is_not_deployed_is_named_and_the_others_are_probed(working, settings):
    settings.TASKS = {
        name: {**alias, "QUEUES": [*alias["QUEUES"], "photos"]} for name, alias in settings.TASKS.items()
    }

    code, texts, found = diagnosis("--probe", "--timeout", "5")

    missing = f"The queue '{STACK}-photos{{}}' does not exist in the AWS account and region in use. Deploy"
    assert code == 1
    (dead_letter,) = texts["probe-dead-letter"]
    assert dead_letter.startswith(
        f"A dead letter of {STACK}-photos didn't come back: TASKS['default']: {missing.format('-dead')}"
    )
    (unsent,) = texts["probe-unsent"]
    assert unsent.startswith(
        f"A probe can't be sent by TASKS['default'] and {STACK}-photos: TASKS['default']: "
        f"{missing.format('')}"
    )
    # By LambdaBackend the record alone is enough, as the sweeper sends the task later.
    (unanswered,) = texts["probe-failed"]
    assert unanswered.startswith(f"A probe by TASKS['other'] and {STACK}-photos didn't come back: No worker")
    assert {(each["alias"], each["queue"]) for each in found["probes"]} == WAYS
    with override_settings(TASKS=tasks_setting(modules=MODULES)):
        nothing_is_left(working)


def test_a_bucket_that_is_denied_is_named(working):
    back = refuse("PutObject")
    try:
        code, texts, found = diagnosis("--probe")
    finally:
        back()

    assert (code, set(texts)) == (1, {"probe-unsent"})
    assert len(texts["probe-unsent"]) == len(WAYS)
    assert "AWS refused PutObject with AccessDenied: You may not." in texts["probe-unsent"][0]
    assert found["probes"] == []
    nothing_is_left(working)


def test_a_sweeper_that_has_not_run_is_found(working, monkeypatch):
    no_metrics()
    assert diagnosis("--probe")[:2] == (0, {}), "A note: local AWS was perhaps started just now."

    monkeypatch.setattr(doctor_probe, "is_local_aws", lambda: False)

    code, texts, found = diagnosis("--probe")

    assert (code, set(texts)) == (1, {"sweeper-silent"})
    assert texts["sweeper-silent"] == [
        f"{STACK}-sweeper hasn't run for 15 minutes, so lost and later tasks aren't sent."
    ]
    assert found["sweeper_ran_at"] is None


def test_a_sweeper_that_failed_is_found(working):
    sweeper_ran(working, errors=1.0)

    code, texts, _ = diagnosis("--probe")

    assert (code, set(texts)) == (1, {"sweeper-fails"})


def test_without_metrics_the_sweeper_is_a_note(working):
    back = refuse("GetMetricData", service="cloudwatch")
    try:
        code, report = run_json("offload_doctor", "--probe")
    finally:
        back()

    assert (code, report["findings"]) == (0, [])
    assert "sweeper-unseen" in {note["id"] for note in report["notes"]}


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
    def send(self, queue, text, delay):
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
    assert texts["load-unsent"] == ["The load was not sent, or not all of it: a probe found a problem."]
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


def test_the_times_of_a_cold_start_add_up(working, monkeypatch):
    seconds = iter([0.0, 0.02] * 8)
    monkeypatch.setattr(definition_probe, "process_seconds", lambda: next(seconds))

    _, _, found = diagnosis("--probe")

    for each in found["probes"]:
        record = record_of(each["id"])
        assert each["cold_start"] in (0.0, 0.02)
        until_claim = (record.attempted_at - record.enqueued.enqueued_at).total_seconds()
        assert each["queue_delay"] + each["cold_start"] == pytest.approx(until_claim)
        assert each["run"] == pytest.approx((record.finished_at - record.attempted_at).total_seconds())


def test_a_result_that_is_not_what_was_sent_is_found(working, monkeypatch):
    answer = definition_probe.probe

    def changed(filling=""):
        return {**answer(filling), "filling": filling.upper()}

    monkeypatch.setattr(changed, "__qualname__", "changed")
    monkeypatch.setattr(definition_probe, "probe", changed)

    code, texts, _ = diagnosis("--probe")

    assert (code, set(texts)) == (1, {"probe-failed"})
    assert "The result isn't what was sent" in texts["probe-failed"][0]


def test_a_clock_that_is_wrong_is_a_note(working, monkeypatch):
    class Ahead(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=42)

    monkeypatch.setattr(doctor_probe, "datetime", Ahead)

    code, report = run_json("offload_doctor", "--probe")

    (note,) = (note for note in report["notes"] if note["id"] == "clock-skew")
    assert code == 0
    assert "s ahead of AWS's. The queue delay is wrong by that much." in note["text"]
