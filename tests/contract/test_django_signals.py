"""Django's log messages and signals of a task, from its enqueue to its end."""

import sys
from types import SimpleNamespace

import pytest
from django.dispatch import Signal

from django_offload.backends import base
from django_offload.compat import TASKS, signals
from tests.contract import tasks

SIGNALS = sorted({f"{TASKS}.signals", "django_tasks.signals"})


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == TASKS]


def test_enqueue_start_and_end_are_logged(offloaded, caplog):
    caplog.set_level("DEBUG", TASKS)

    result = tasks.nothing.enqueue()
    offloaded.run()

    path = "path=tests.contract.tasks.nothing"
    assert messages(caplog) == [
        f"Task id={result.id} {path} enqueued backend=default",
        f"Task id={result.id} {path} state=RUNNING",
        f"Task id={result.id} {path} state=SUCCESSFUL",
    ]


def test_failure_is_logged_and_success_mentions_no_exception(offloaded, caplog):
    caplog.set_level("INFO", TASKS)

    tasks.raises_value_error.enqueue()
    tasks.nothing.enqueue()
    offloaded.run()

    states = {record.args[-1]: record.exc_info for record in caplog.records if record.name == TASKS}
    assert states["FAILED"][0] is ValueError
    assert states["SUCCESSFUL"] is None
    assert "None" not in "".join(text for text in messages(caplog) if "SUCCESSFUL" in text)


def test_signals_come_from_the_backends_class(offloaded, backend):
    from django_offload.compat import signals

    seen = []

    def note(signal, sender, task_result, **kwargs):
        seen.append((sender, task_result.id, task_result.status))

    three = [signals.task_enqueued, signals.task_started, signals.task_finished]
    for signal in three:
        signal.connect(note)
    try:
        result = tasks.nothing.enqueue()
        offloaded.run()
    finally:
        for signal in three:
            signal.disconnect(note)

    sender = getattr(base, backend)
    assert seen == [(sender, result.id, status) for status in ("READY", "RUNNING", "SUCCESSFUL")]


def test_each_loaded_package_of_tasks_sends_each_signal_once(offloaded, backend, monkeypatch):
    names, seen, receivers = ("task_enqueued", "task_started", "task_finished"), [], []
    for package in SIGNALS:
        # On Django 6 the backport may be loaded beside Django's own tasks, as Wagtail loads it.
        module = sys.modules.get(package) or SimpleNamespace(**{name: Signal() for name in names})
        monkeypatch.setitem(sys.modules, package, module)
        for name in names:

            def note(sender, task_result, signal, at=(package, name), **kwargs):
                seen.append((*at, sender, task_result.id))

            getattr(module, name).connect(note)
            receivers.append((getattr(module, name), note))
    try:
        one = tasks.nothing.enqueue()
        (another,) = tasks.nothing.enqueue_many([()])
        offloaded.run()
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)

    sender = getattr(base, backend)
    assert sorted(seen, key=str) == sorted(
        [
            (package, name, sender, result.id)
            for package in SIGNALS
            for name in names
            for result in (one, another)
        ],
        key=str,
    )


@pytest.mark.parametrize("name", ["task_enqueued", "task_started", "task_finished"])
@pytest.mark.parametrize("kind", ["function", "coroutine"])
@pytest.mark.parametrize("offloaded", ["memory"], indirect=True)
def test_what_a_receiver_raises_changes_nothing_and_is_logged(offloaded, caplog, name, kind):
    def fail(sender, task_result, **kwargs):
        raise RuntimeError("the receiver failed")

    async def fail_later(sender, task_result, **kwargs):
        raise RuntimeError("the receiver failed")

    seen = []

    def note(sender, task_result, **kwargs):
        seen.append(task_result.id)

    receivers = [fail if kind == "function" else fail_later, note]
    signal = getattr(signals, name)
    for receiver in receivers:
        signal.connect(receiver)
    try:
        results = [tasks.answer.enqueue(), *tasks.answer.enqueue_many([(), ()])]
        offloaded.run()
    finally:
        for receiver in receivers:
            signal.disconnect(receiver)

    assert sorted(seen) == sorted(result.id for result in results)
    assert caplog.text.count("the receiver failed") >= 3
    for result in results:
        assert result.enqueued_at is not None
        result.refresh()
        assert (result.return_value, result.attempts) == (42, 1)
