"""System checks find mistakes before anything runs, and give hints."""

import pytest
from django.core.checks import run_checks

from django_offload import checks
from django_offload.compat import task_backends
from django_offload.definition.offload_task import task
from tests.contract.setup import tasks_setting
from tests.unit import tasks


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch):
    import os

    for key in list(os.environ):
        if key.startswith("AWS_ENDPOINT_URL"):
            monkeypatch.delenv(key)


def ids(messages):
    return [message.id for message in messages]


def test_a_good_configuration_has_nothing_to_say(ours):
    messages = [message for message in run_checks() if message.id.startswith("django_offload")]

    assert messages == []


def test_each_backend_checks_its_own_options(settings):
    settings.TASKS = tasks_setting(modules=[], stak="x", on_comit=True)

    messages = task_backends["default"].check()

    assert ids(messages) == ["django_offload.E002", "django_offload.E002"]
    assert messages[0].msg == "TASKS['default']: OPTIONS has the unknown key 'stak'."
    assert "stack, queues, table" in messages[0].hint


def test_a_broken_configuration_is_reported_by_the_backend_alone(settings):
    settings.TASKS = tasks_setting(modules=[], stack="NO")

    for check in (checks.check_tasks, checks.check_middleware):
        assert check() == []


def test_two_tasks_of_one_name_are_reported(ours, monkeypatch):
    monkeypatch.setattr(tasks, "impostor", task(name="orders.send")(tasks.double.func), raising=False)
    from django_offload.definition.registry import registry

    registry.cache_clear()
    try:
        (message,) = checks.check_tasks()
    finally:
        monkeypatch.undo()
        registry.cache_clear()

    assert (message.id, message.msg) == ("django_offload.E010", "Two tasks are named 'orders.send'.")
    assert "@task(name=...)" in message.hint


def test_a_timeout_longer_than_its_queues_is_reported(settings):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], queues={"default": {"timeout": 10}})

    messages = {message.id: message for message in checks.check_tasks()}

    message = messages["django_offload.E011"]
    assert (
        message.msg
        == "tests.unit.tasks.send has a timeout of 0:00:20, but its queue's timeout is only 0:00:10."
    )
    assert "OPTIONS['queues']['default']['timeout']" in message.hint


def test_a_batch_that_may_not_fit_is_reported(settings):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], queues={"default": {"batch_size": 5}})

    texts = [message.msg for message in checks.check_tasks() if message.id == "django_offload.E012"]

    assert any("tests.unit.tasks.double" in text for text in texts)
    assert not any("tests.unit.tasks.send " in text for text in texts)


def test_a_batch_whose_tasks_run_beside_each_other_takes_as_long_as_one(settings):
    queues = {"default": {"batch_size": 5, "concurrency": 5}}
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], queues=queues)

    assert "django_offload.E012" not in ids(checks.check_tasks())


def test_more_tasks_at_a_time_than_a_batch_has_messages_are_a_warning(settings):
    queues = {"default": {"batch_size": 2, "concurrency": 3}}
    settings.TASKS = tasks_setting(modules=[], queues=queues)

    (message,) = checks.check_concurrency()  # Of SQS alone: Lambda hands out one message at a time.

    assert (message.id, message.level) == ("django_offload.W013", 30)
    assert message.msg == (
        "TASKS['default'] lets a worker run 3 tasks of queue 'default' at a time, but its batches hold "
        "only 2."
    )
    assert message.hint == "Raise OPTIONS['queues']['default']['batch_size'] to 3 or more."


def test_a_missing_middleware_is_a_warning(ours, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "offload" not in name]

    (message,) = checks.check_middleware()

    assert (message.id, message.level) == ("django_offload.W020", 30)
    assert message.msg == "Tasks have no owner. Only staff and clients with a token can follow them."
    assert "after the session and authentication middleware" in message.hint


def test_an_own_owner_needs_no_middleware(settings):
    settings.TASKS = tasks_setting(modules=[], owner="shop.owners.team")
    settings.MIDDLEWARE = []

    assert checks.check_middleware() == []


@pytest.mark.parametrize(
    ("url", "debug", "reported"),
    [
        ("http://aws.example.org", False, True),
        ("http://aws.example.org", True, False),
        ("https://aws.example.org", False, False),
        ("http://127.0.0.1:5000", False, False),
        ("http://localhost:5000", False, False),
        ("http://[::1]:5000", False, False),
        ("http://127.0.0.1.example.org", False, True),
    ],
)
def test_an_endpoint_in_the_clear_is_reported(monkeypatch, settings, url, debug, reported):
    settings.DEBUG = debug
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)

    messages = checks.check_endpoint()

    assert ids(messages) == (["django_offload.E021"] if reported else [])
    assert not reported or messages[0].msg == (
        f"AWS_ENDPOINT_URL_SQS is '{url}'. Messages and results would cross the network unencrypted."
    )
