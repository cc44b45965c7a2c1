"""System checks find mistakes before anything runs, and give hints."""

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import run_checks

from django_offload import checks
from django_offload.compat import task_backends
from django_offload.definition.offload_task import task
from django_offload.middleware import OwnerMiddleware
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
    assert "beside the session and authentication middleware" in message.hint


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


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@aws.example",
        "http://me:hunter2@hunter2@aws.example/",
        "http://me:hunter2/hunter2@aws.example",
        "http://me:hunter2 hunter2@aws.example",
        "http://me:hunter2#hunter2?@aws.example",
        "http://me:hunter2\u2100hunter2@aws.example",
        "http://me:hunter2@[aws.example",
    ],
)
def test_no_password_of_an_endpoint_is_shown(monkeypatch, settings, url):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)

    (message,) = checks.check_endpoint()

    assert message.id == "django_offload.E021"
    assert "…@" in message.msg
    assert "aws.example" in message.msg
    assert "hunter2" not in message.msg + message.hint


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_S3_ENDPOINT_URL",
        "AWS_SQS_ENDPOINT",
    ],
)
def test_every_variable_that_names_an_endpoint_counts(monkeypatch, settings, name):
    settings.DEBUG = False
    monkeypatch.setenv(name, "http://someone:pw@aws.example.org")

    (message,) = checks.check_endpoint()

    assert message.msg.startswith(f"{name} is 'http://…@aws.example.org'. Messages and results would cross")


@pytest.mark.parametrize(
    "name", ["AWS_USE_FIPS_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ENDPOINT_URL"]
)
def test_other_variables_name_no_endpoint_of_ours(monkeypatch, settings, name):
    settings.DEBUG = False
    monkeypatch.setenv(name, "http://169.254.169.254")

    assert checks.check_endpoint() == []


def test_a_queue_url_in_the_clear_is_reported(settings):
    settings.DEBUG = False
    urls = {"default": "http://sqs.example.org/1/contract-default"}
    settings.TASKS = tasks_setting(modules=[], queue_urls=urls)

    messages = checks.check_endpoint()

    assert ids(messages) == ["django_offload.E021"] * 2
    assert messages[0].msg.startswith(
        "TASKS['default']: OPTIONS['queue_urls']['default'] is 'http://sqs.example"
    )


CONFIG = """
[default]
region = us-east-1
{default}
[profile shop]
services = of-shop
[services of-shop]
dynamodb =
  endpoint_url = http://dynamodb.example.org
"""


@pytest.mark.parametrize(
    ("default", "profile", "reported"),
    [
        ("", "", None),
        (
            "endpoint_url = http://aws.example.org",
            "",
            "endpoint_url of [default] is 'http://aws.example.org'",
        ),
        ("endpoint_url = https://aws.example.org", "", None),
        ("endpoint_url = http://localhost:5000", "", None),
        ("", "shop", "endpoint_url of dynamodb in [services of-shop] is 'http://dynamodb.example.org'"),
        ("endpoint_url = http://aws.example.org", "other", None),
        ("[[", "", None),
    ],
)
def test_an_endpoint_of_awss_configuration_is_reported(
    monkeypatch, settings, tmp_path, default, profile, reported
):
    settings.DEBUG = False
    file = tmp_path / "config"
    file.write_text(CONFIG.format(default=default))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", profile)
    monkeypatch.delenv("AWS_DEFAULT_PROFILE", raising=False)

    messages = checks.check_endpoint()

    assert len(messages) == (reported is not None)
    assert reported is None or messages[0].msg.startswith(reported)


SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"


class OwnOwner(OwnerMiddleware):
    """A project's own."""


class OwnSession(SessionMiddleware):
    """A project's own."""


@pytest.mark.parametrize(
    ("middleware", "reported"),
    [
        ([SESSION, AUTH, checks.MIDDLEWARE], None),
        ([SESSION, checks.MIDDLEWARE], None),
        ([SESSION, AUTH, f"{__name__}.OwnOwner"], None),
        ([f"{__name__}.OwnSession", checks.MIDDLEWARE], None),
        (["shop.middleware.TokenUser", checks.MIDDLEWARE], None),
        ([checks.MIDDLEWARE, SESSION, AUTH], None),
        ([checks.MIDDLEWARE, f"{__name__}.OwnSession"], None),
        (["django.middleware.common.CommonMiddleware", checks.MIDDLEWARE], "W023"),
        ([checks.MIDDLEWARE], "W023"),
        ([SESSION, AUTH], "W020"),
        ([], "W020"),
    ],
)
def test_the_owners_middleware_needs_to_know_the_visitor(ours, settings, middleware, reported):
    settings.MIDDLEWARE = middleware

    messages = checks.check_middleware()

    assert ids(messages) == ([f"django_offload.{reported}"] if reported else [])


def test_a_middleware_that_knows_nobody_says_what_is_missing(ours, settings):
    settings.MIDDLEWARE = [checks.MIDDLEWARE]

    (message,) = checks.check_middleware()

    assert message.msg == (
        "Tasks have no owner, because no middleware knows the session or the user of a request."
    )
    assert message.hint == f"Add '{SESSION}' and '{AUTH}' to MIDDLEWARE."


@pytest.mark.parametrize(
    ("owners", "reported"),
    [
        (["shop.owners.team"], False),
        (["django_offload.middleware.current_owner"], True),
        (["django_offload.conf.request_owner.current_owner"], True),
        (["shop.owners.team", "django_offload.middleware.current_owner"], True),
    ],
)
@pytest.mark.parametrize("middleware", [[], [checks.MIDDLEWARE]])
def test_only_the_default_owner_needs_the_middleware(settings, owners, reported, middleware):
    settings.TASKS = {
        f"alias{number}": tasks_setting(modules=[], owner=owner)["default"]
        for number, owner in enumerate(owners)
    }
    settings.MIDDLEWARE = middleware

    assert bool(checks.check_middleware()) is reported


@pytest.mark.parametrize(
    ("database", "options", "reported"),
    [
        ({"ATOMIC_REQUESTS": True}, {}, True),
        ({"ATOMIC_REQUESTS": True}, {"outbox": True}, False),
        ({"ATOMIC_REQUESTS": True}, {"on_commit": False}, False),
        ({"ATOMIC_REQUESTS": False}, {}, False),
        ({}, {}, False),
    ],
)
def test_views_that_are_transactions_need_the_outbox(settings, monkeypatch, database, options, reported):
    settings.TASKS = tasks_setting(modules=[], **options)
    for name, value in database.items():
        monkeypatch.setitem(settings.DATABASES["default"], name, value)

    messages = checks.check_atomic_requests()

    assert ids(messages) == (["django_offload.W024"] * 2 if reported else [])
    assert not reported or "OPTIONS['outbox'] = True" in messages[0].hint


def test_another_database_is_none_that_tasks_wait_for(ours, settings, monkeypatch):
    monkeypatch.setitem(
        settings.DATABASES, "other", {**settings.DATABASES["default"], "ATOMIC_REQUESTS": True}
    )

    assert checks.check_atomic_requests() == []
    monkeypatch.setitem(settings.DATABASES["default"], "ATOMIC_REQUESTS", True)
    assert ids(checks.check_atomic_requests()) == ["django_offload.W024"] * 2


@pytest.mark.parametrize(
    ("fallbacks", "problem"),
    [
        ([], None),
        # Of a key that changes each week, right after the change: replaced now, and 7, 14 and 21 days ago.
        (["a", "b", "c", "d"], None),
        (
            ["a", "b", "c", "d", "e"],
            "SECRET_KEY_FALLBACKS has 5 keys. Whoever has one of them can sign messages",
        ),
        (["a", "a"], "SECRET_KEY_FALLBACKS has 1 of its keys twice, or SECRET_KEY itself."),
        (["now"], "SECRET_KEY_FALLBACKS has 1 of its keys twice, or SECRET_KEY itself."),
    ],
)
def test_fallbacks_that_no_message_can_need_are_a_warning(settings, fallbacks, problem):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "now", fallbacks

    messages = checks.check_fallbacks()

    assert ids(messages) == (["django_offload.W027"] if problem else [])
    assert problem is None or messages[0].msg.startswith(problem)
    assert (
        problem is None or messages[0].hint == "Keep a key for 22 days after you replaced it, then remove it."
    )
