"""The doctor's probes: to a worker and back by each backend, and through a dead-letter queue and back."""

from datetime import datetime, timedelta

import pytest
from django.test import override_settings

from django_offload.compat import signals as task_signals
from django_offload.definition import probe as definition_probe
from django_offload.definition import registry
from django_offload.management.doctor import probe as doctor_probe
from django_offload.operations import probe as operations_probe
from django_offload.stack import spec_of
from tests.contract.setup import STACK, tasks_setting
from tests.integration.probing import (
    Clock,
    diagnosis,
    meanwhile,
    no_metrics,
    nothing_is_left,
    refuse,
    sweeper_ran,
)
from tests.integration.setup import MODULES, record_of
from tests.unit.management.commands import run, run_json

SIGNALS = (task_signals.task_enqueued, task_signals.task_started, task_signals.task_finished)
WAYS = {("default", "default"), ("default", "reports"), ("other", "default"), ("other", "reports")}


def test_every_queue_and_backend_answers_and_a_dead_letter_comes_back(working):
    signals = []

    def receiver(sender, task_result, **kwargs):
        signals.append(task_result)

    for signal in SIGNALS:
        signal.connect(receiver)
    try:
        code, texts, found = diagnosis("--probe")
    finally:
        for signal in SIGNALS:
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


@pytest.mark.parametrize("may_delete", [True, False])
def test_another_secret_key_than_that_of_the_stage_is_named(working, monkeypatch, may_delete):
    def work_with_another_key():
        with override_settings(SECRET_KEY="that of the stage"):
            working.run()

    meanwhile(monkeypatch, work_with_another_key)
    back = (lambda: None) if may_delete else refuse("DeleteObject")
    try:
        code, texts, found = diagnosis("--probe", "--timeout", "1")
    finally:
        back()

    assert (code, found["probes"]) == (1, [])
    assert texts == {
        "probe-refused": [
            "The deployed functions can't verify the probe. This terminal has another SECRET_KEY than "
            f"{STACK}."
        ]
    }
    if may_delete:
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


def test_the_timeout_is_that_of_all_queues_together(working, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(operations_probe, "time", clock)

    code, texts, _ = diagnosis("--probe", "--timeout", "60")

    assert (code, len(texts["probe-failed"]), len(texts["probe-dead-letter"])) == (1, 4, 2)
    assert 2 * 60 <= clock.now - 1_000 < 2 * 60 + 2, "the dead letters first, then the others"


def test_ctrl_c_ends_the_probes_that_wait(working, monkeypatch):
    def interrupted(probe, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor_probe, "measure", interrupted)

    assert run("offload_doctor", "--probe") == (130, "Stopped by Ctrl-C. Completed steps aren't undone.")

    monkeypatch.undo()
    assert run_json("offload_doctor")[1]["stacks"][STACK]["oldest_ready"] is None, "before a worker runs it"
    nothing_is_left(working)


def test_without_the_table_nothing_is_sent(working, settings, queues):
    for alias in settings.TASKS.values():
        alias["OPTIONS"]["table"] = "nowhere"
    settings.TASKS = {**settings.TASKS}

    code, texts, found = diagnosis("--load", "5")

    assert code == 1
    assert texts["table-missing"] == ["The table nowhere does not exist."]
    assert texts["probe-unsent"] == ["No probe was sent, because no table can keep its record."]
    assert texts["load-unsent"] == ["The load wasn't sent, because a probe found a problem."]
    assert found["probes"] == []
    for queue in ("default", "default-dead"):
        assert queues.counts(queue) == (0, 0)


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


@pytest.mark.parametrize(
    "last_run", [{"ago": timedelta(minutes=18)}, {"invocations": 0.0}], ids=["long ago", "never"]
)
def test_a_sweeper_that_ran_long_ago_or_never_is_found(aws, last_run):
    no_metrics()
    sweeper_ran(aws, **last_run)
    report = doctor_probe.ProbeReport()

    (found,) = doctor_probe.check_sweeper(spec_of(STACK), report)

    assert (found.id, report.sweeper_ran_at) == ("sweeper-silent", None)


def test_only_the_last_run_of_the_sweeper_counts(aws):
    no_metrics()
    sweeper_ran(aws, errors=1.0, ago=timedelta(minutes=4))
    sweeper_ran(aws)

    assert list(doctor_probe.check_sweeper(spec_of(STACK), doctor_probe.ProbeReport())) == []


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


def test_probes_that_fail_are_not_left_in_the_list_of_failed_tasks(working, monkeypatch):
    def failing(filling=""):
        raise ValueError("no disk")

    monkeypatch.setattr(failing, "__qualname__", "failing")
    monkeypatch.setattr(definition_probe, "probe", failing)

    code, texts, _ = diagnosis("--probe")

    assert (code, set(texts)) == (1, {"probe-failed", "probe-dead-letter"})
    assert "The probe failed with ValueError: no disk" in texts["probe-failed"][0]
    nothing_is_left(working)


def test_a_probe_without_a_record_runs_nothing_once_it_is_given_up(working, settings, monkeypatch):
    ran = []

    def late(filling=""):
        ran.append(filling)

    only = settings.TASKS["default"]
    settings.TASKS = {"default": {**only, "OPTIONS": {**only["OPTIONS"], "record_at_enqueue": False}}}
    monkeypatch.setattr(late, "__qualname__", "late")
    monkeypatch.setattr(definition_probe, "probe", late)
    meanwhile(monkeypatch, None)

    code, texts, _ = diagnosis("--probe", "--timeout", "0.2")
    working.run()

    assert (code, len(texts["probe-failed"])) == (1, 2)
    assert ran == []


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
