"""The checks of settings that contradict each other about how much runs at a time."""

import pytest
from django.core.checks import run_checks
from django.db import connections

from django_offload.conf import capacity
from tests.contract.setup import tasks_setting

IDS = {"django_offload.W038", "django_offload.W039", "django_offload.W040", "django_offload.W041"}


def found(*checks, **kwargs):
    return [(message.id.rpartition(".")[2], message.msg) for check in checks for message in check(**kwargs)]


def of_sqs(**queue):
    setting = tasks_setting(modules=[], queues={"default": queue})
    return {"default": setting["default"]}


def test_default_settings_contradict_nothing(settings):
    settings.TASKS = tasks_setting(modules=[])

    assert IDS.isdisjoint(message.id for message in run_checks())
    assert found(capacity.check_connections, databases=["default"]) == []


@pytest.fixture
def database(monkeypatch):
    """A PostgreSQL that takes 100 connections, as an SQL answer of this database."""
    connection = connections["default"]
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setitem(capacity.QUERIES, "postgresql", "SELECT '100'")
    return connection


@pytest.mark.django_db
def test_more_workers_than_a_database_has_connections_are_a_warning(settings, database):
    # The queue `reports` has the default of 10, and a batch of 3 needs no more than 3 threads.
    settings.TASKS = of_sqs(max_concurrency=30, concurrency=4, batch_size=3)
    assert found(capacity.check_connections, databases=["default"]) == []

    settings.TASKS = of_sqs(max_concurrency=31, concurrency=4, batch_size=3)

    assert found(capacity.check_connections, databases=["default"]) == [
        (
            "W038",
            "The workers of all queues may run 103 tasks at a time, each with a connection of its own, but "
            "DATABASES['default'] takes 100 connections in all.",
        )
    ]


@pytest.mark.django_db
def test_each_poller_of_a_queue_runs_ten_invocations(settings, database):
    # The queue `reports` has 10 more.
    settings.TASKS = of_sqs(pollers=(2, 9))
    assert found(capacity.check_connections, databases=["default"]) == []
    settings.TASKS = of_sqs(pollers=(2, 10))
    ((check_id, text),) = found(capacity.check_connections, databases=["default"])
    assert check_id == "W038"
    assert "may run 110 tasks at a time" in text

    settings.TASKS = of_sqs(pollers=(2, 99))
    assert found(capacity.check_at_a_time) == []
    settings.TASKS = of_sqs(pollers=(2, 100), batch_size=130, batch_window=1)
    (account, in_flight) = found(capacity.check_at_a_time)
    assert account[1].startswith("The queues may run 1,010 invocations at a time, but")
    assert "may take 130,000 messages at a time" in in_flight[1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("HOST", "shop.proxy-abc.eu-central-1.rds.amazonaws.com"),
        ("DISABLE_SERVER_SIDE_CURSORS", True),
    ],
)
def test_a_pooler_shares_connections(settings, database, monkeypatch, key, value):
    settings.TASKS = of_sqs(max_concurrency=500)
    assert found(capacity.check_connections, databases=["default"])

    monkeypatch.setitem(database.settings_dict, key, value)

    assert found(capacity.check_connections, databases=["default"]) == []


@pytest.mark.django_db
def test_a_database_is_asked_only_if_the_command_names_it(settings, database):
    settings.TASKS = of_sqs(max_concurrency=500)

    assert "django_offload.W038" not in {message.id for message in run_checks()}
    assert "django_offload.W038" in {message.id for message in run_checks(databases=["default"])}


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["SELECT 'many'", "SELECT NULL", "nonsense"])
def test_a_database_that_does_not_say_it_is_left_out(settings, database, monkeypatch, query):
    settings.TASKS = of_sqs(max_concurrency=500)
    monkeypatch.setitem(capacity.QUERIES, "postgresql", query)

    assert found(capacity.check_connections, databases=["default"]) == []


def test_more_invocations_than_an_account_has_are_a_warning(settings):
    settings.TASKS = of_sqs(max_concurrency=990)
    assert found(capacity.check_at_a_time) == []

    settings.TASKS = of_sqs(max_concurrency=991)
    assert found(capacity.check_at_a_time) == [
        (
            "W039",
            "The queues may run 1,001 invocations at a time, but Lambda gives an account 1,000 for all of "
            "its functions, the web function too.",
        )
    ]


def test_aliases_of_a_stack_share_their_queues(settings):
    alias = of_sqs(max_concurrency=600)["default"]
    settings.TASKS = {"default": alias, "second": alias}
    assert found(capacity.check_at_a_time) == []

    settings.TASKS["second"] = {**alias, "OPTIONS": {**alias["OPTIONS"], "stack": "other"}}
    settings.TASKS = {**settings.TASKS}
    assert "1,220 invocations" in found(capacity.check_at_a_time)[0][1]


def test_more_messages_than_sqs_hands_out_are_a_warning(settings):
    settings.TASKS = of_sqs(max_concurrency=12, batch_size=10_000, batch_window=1)
    assert found(capacity.check_at_a_time) == []

    settings.TASKS = of_sqs(max_concurrency=13, batch_size=10_000, batch_window=1)
    assert found(capacity.check_at_a_time) == [
        (
            "W039",
            "The workers of queue 'default' in stack 'contract' may take 130,000 messages at a time, but SQS "
            "hands out 120,000.",
        )
    ]


def test_aliases_with_different_shards_are_a_warning(settings):
    alias = of_sqs()["default"]
    more = {**alias, "OPTIONS": {**alias["OPTIONS"], "shards": 32}}
    settings.TASKS = {"default": alias, "second": more}

    ((check_id, text),) = found(capacity.check_shards)
    assert check_id == "W040"
    assert text.startswith("The aliases of stack 'contract' have different OPTIONS['shards'], 2, 32, but")

    settings.TASKS = {"default": more, "second": more}
    assert found(capacity.check_shards) == []


def test_options_of_sqs_have_no_effect_with_lambda_alone(settings):
    queue = {"max_concurrency": 5, "concurrency": 2, "batch_size": 2, "batch_window": 1, "memory": 256}
    both = tasks_setting("LambdaBackend", modules=[], queues={"default": queue})
    settings.TASKS = {"default": both["default"]}

    assert found(capacity.check_without_effect) == [
        (
            "W041",
            f"TASKS['default']: OPTIONS['queues']['default']['{key}'] has no effect, because LambdaBackend "
            "starts an invocation for each task.",
        )
        for key in ("batch_size", "batch_window", "max_concurrency", "concurrency")
    ]

    settings.TASKS = both  # The other alias reads the same queue through SQS.
    assert found(capacity.check_without_effect) == []


def test_pollers_have_no_effect_with_lambda_alone(settings):
    both = tasks_setting("LambdaBackend", modules=[], queues={"default": {"pollers": (2, 20)}})
    settings.TASKS = {"default": both["default"]}

    ((check_id, text),) = found(capacity.check_without_effect)
    assert check_id == "W041"
    assert text.startswith("TASKS['default']: OPTIONS['queues']['default']['pollers'] has no effect")


def test_contradictions_are_reported_by_the_checks_of_django(settings):
    """Each of the functions above is registered."""
    alias = of_sqs(max_concurrency=991, batch_window=5)["default"]
    more = {**alias, "OPTIONS": {**alias["OPTIONS"], "shards": 32}}
    settings.TASKS = {"default": alias, "second": more}

    assert {message.id for message in run_checks()} >= IDS - {"django_offload.W038"}


def test_a_window_for_batches_of_one_message_has_no_effect(settings):
    settings.TASKS = of_sqs(batch_window=5)
    assert found(capacity.check_without_effect) == [
        (
            "W041",
            "TASKS['default']: OPTIONS['queues']['default']['batch_window'] has no effect, because a batch "
            "of one message is full at once.",
        )
    ]

    settings.TASKS = of_sqs(batch_window=5, batch_size=2)
    assert found(capacity.check_without_effect) == []

    # Of two backends, the one that reads the queue through SQS is named.
    settings.TASKS = tasks_setting("LambdaBackend", modules=[], queues={"default": {"batch_window": 5}})
    ((_, text),) = found(capacity.check_without_effect)
    assert text.startswith("TASKS['other']: ")
