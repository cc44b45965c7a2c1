"""Options are parsed with their defaults, and each problem comes with a hint."""

from datetime import timedelta

import pytest
from django.core.checks import ERROR
from django.core.exceptions import ImproperlyConfigured

from django_offload.checks import check_backends
from django_offload.compat import TASKS, task_backends
from django_offload.conf import (
    BUCKET_OF_STACK,
    ENV_BUCKET,
    ENV_STACK,
    Options,
    configured,
    duration,
    find_problems,
    signing_keys,
)
from django_offload.conf.queue_options import QUEUE_KEYS
from django_offload.conf.validation import OPTION_KEYS
from django_offload.exceptions import ConfigurationError

BACKEND = "django_offload.backends.SQSBackend"


def params(queues=("default",), **options):
    return {"BACKEND": BACKEND, "QUEUES": list(queues), "OPTIONS": {"stack": "shop-dev", **options}}


def problems(**kwargs):
    return [(problem.id, problem.text, problem.hint) for problem in find_problems(params(**kwargs))]


def test_the_stack_alone_names_every_resource():
    options = Options.parse("default", params(queues=["default", "reports"]))

    assert options.queue("reports") == "shop-dev-reports"
    assert options.dead_letter_queue("reports") == "shop-dev-reports-dead"
    assert options.table == "shop-dev-tasks"
    assert options.bucket == BUCKET_OF_STACK
    assert options.worker_function("reports") == "shop-dev-reports-worker"
    assert options.function("dead-letter") == "shop-dev-dead-letter"
    assert options.function("sweeper") == "shop-dev-sweeper"
    assert (options.on_commit, options.outbox, options.result_ttl) == (True, False, timedelta(days=14))


def test_names_can_be_overridden():
    options = Options.parse(
        "default",
        params(
            table="records",
            bucket=None,
            functions={"default-worker": "mine"},
            queue_urls={"default": "https://q/1/shop-dev-default"},
        ),
    )

    assert (options.table, options.bucket) == ("records", None)
    assert options.worker_function("default") == "mine"
    assert options.queue_urls == {"default": "https://q/1/shop-dev-default"}


def test_a_queue_has_every_default_and_takes_seconds_or_timedeltas():
    entry = params(queues=["default", "slow"])
    entry["OPTIONS"]["queues"] = {"slow": {"timeout": timedelta(minutes=10), "result_ttl": 60}}

    options = Options.parse("default", entry)

    plain, slow = options.queues["default"], options.queues["slow"]
    assert (plain.timeout, plain.memory, plain.batch_size) == (timedelta(seconds=300), 512, 1)
    assert (plain.max_concurrency, plain.concurrency, plain.max_attempts) == (10, 1, 3)
    assert (slow.timeout, slow.result_ttl) == (timedelta(minutes=10), timedelta(seconds=60))
    assert options.ttl("slow") == timedelta(seconds=60)
    assert options.ttl("default") == options.ttl("gone") == timedelta(days=14)


def test_an_unknown_option_is_named_with_the_list_of_options():
    ((check_id, text, hint),) = problems(stak="x")

    assert check_id == "E002"
    assert text == "OPTIONS has the unknown key 'stak'."
    assert hint == f"The keys are: {', '.join(OPTION_KEYS)}."


def test_an_unknown_key_of_a_queue_is_named_with_the_list_of_keys():
    problem = next(
        find_problems(
            {"BACKEND": BACKEND, "OPTIONS": {"stack": "shop-dev", "queues": {"default": {"timout": 5}}}}
        )
    )

    assert problem.text == "OPTIONS['queues']['default'] has the unknown key 'timout'."
    assert problem.hint == f"The keys are: {', '.join(QUEUE_KEYS)}."


@pytest.mark.parametrize("stack", [None, "", "S", "shop_dev", "Shop", "1shop", "a" * 27, "shop-", 5, "-shop"])
def test_a_stack_that_cannot_be_part_of_a_name_is_refused(stack):
    problem = next(find_problems({"BACKEND": BACKEND, "OPTIONS": {"stack": stack}}))

    assert problem.id == "E001"
    assert "2 to 26 lower case letters" in problem.hint


@pytest.mark.parametrize("stack", ["ab", "shop-dev", "a" * 26, "a1"])
def test_a_valid_stack_is_accepted(stack):
    assert list(find_problems({"BACKEND": BACKEND, "OPTIONS": {"stack": stack}})) == []


@pytest.mark.parametrize("queue", ["", "a b", "ü", "x" * 31, "-x", "a/b", 7, "a.b"])
def test_a_queue_that_cannot_be_part_of_a_name_is_refused(queue):
    problem = next(find_problems(params(queues=[queue])))

    assert problem.id == "E003"
    assert repr(queue) in problem.text


@pytest.mark.parametrize(
    ("queues", "first"),
    [
        (["queue_1", "queue-1"], "queue_1"),
        (["mail", "Mail"], "mail"),
        (["mail", "mail-dead"], "mail"),
        (["failed-events"], "failed-events (the stack's own)"),
    ],
)
def test_queues_that_would_be_one_resource_are_refused(queues, first):
    (problem,) = find_problems(params(queues=queues))

    assert problem.id == "E003"
    both = f"{first!r} and {queues[-1]!r}"
    assert problem.text == f"QUEUES contains {both}, which would be one resource in AWS."
    assert problem.hint.startswith("Rename one of them")


def test_queues_with_similar_names_are_accepted():
    assert list(find_problems(params(queues=["mail", "mail-1", "mail1x", "dead", "dead-letter"]))) == []


def test_no_queue_at_all_is_refused():
    assert next(find_problems(params(queues=[]))).text == "QUEUES is empty."


def test_options_of_a_queue_that_is_not_in_queues_are_refused():
    entry = params()
    entry["OPTIONS"]["queues"] = {"other": {}}

    problem = next(find_problems(entry))

    assert (problem.id, problem.hint) == ("E004", "Add it to QUEUES.")
    assert "has options for 'other', which isn't in QUEUES" in problem.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("timeout", value) for value in (0, 1_801, "300", True, None, timedelta(0))],
        *[("memory", value) for value in (127, 10_241)],
        *[("batch_size", value) for value in (0, 1.5, 10_001)],
        *[("max_concurrency", value) for value in (1, 1_001)],
        *[("concurrency", value) for value in (0, 101, 2.5, timedelta(0, 2))],
        *[("max_attempts", value) for value in (0, 101)],
        ("batch_window", 301),
        ("result_ttl", 0),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_the_bounds(key, value):
    entry = params()
    entry["OPTIONS"]["queues"] = {"default": {key: value}}

    problem = next(find_problems(entry))

    assert problem.id == "E005"
    assert problem.text == f"OPTIONS['queues']['default']['{key}'] is {value!r}."
    assert problem.hint.startswith("Give a number from ")
    assert problem.hint.endswith("where your region allows it.") == (key == "timeout")


@pytest.mark.parametrize(
    "pollers",
    [
        *(1, 0, True, 2.0, "2", [], {}, {"least": 2, "most": 20}, timedelta(seconds=2)),
        *([2], [2, 3, 4], ["2", "20"], [2.0, 20], [True, 20], [2, None]),
        *([1, 20], [0, 0], [-2, 2], [20, 2], [201, 300], [2, 10_001], [10**400, 10**400], [2, float("nan")]),
    ],
)
def test_pollers_that_aws_would_refuse_are_refused_with_its_bounds(pollers):
    entry = params()
    entry["OPTIONS"]["queues"] = {"default": {"pollers": pollers}}

    (problem,) = find_problems(entry)

    assert problem.id == "E005"
    assert problem.text.startswith("OPTIONS['queues']['default']['pollers'] is ")
    assert problem.hint == (
        "Give two numbers, such as (2, 20): the least pollers, from 2 to 200, and the most, which are as "
        "many or more, up to 10,000. With None, AWS polls by itself."
    )


@pytest.mark.parametrize(
    ("pollers", "expected"), [((2, 2), (2, 2)), ([200, 10_000], (200, 10_000)), (None, None)]
)
def test_a_queue_may_have_pollers_of_its_own(pollers, expected):
    entry = params()
    entry["OPTIONS"]["queues"] = {"default": {"pollers": pollers}}

    assert Options.parse("default", entry).queues["default"].pollers == expected


def test_pollers_and_a_maximum_of_workers_exclude_each_other():
    entry = params()
    entry["OPTIONS"]["queues"] = {"default": {"pollers": (2, 20), "max_concurrency": 10}}

    (problem,) = find_problems(entry)

    assert problem.id == "E005"
    assert problem.text == "OPTIONS['queues']['default'] has both pollers and max_concurrency."
    assert problem.hint.startswith("Remove one of them, because AWS accepts only one.")
    entry["OPTIONS"]["queues"]["default"]["pollers"] = None
    assert list(find_problems(entry)) == []


@pytest.mark.parametrize("timeout", [1_200, 1_800])
def test_a_queue_may_have_the_longest_timeout_of_any_region(timeout):
    entry = params()
    entry["OPTIONS"]["queues"] = {"default": {"timeout": timeout}}

    assert Options.parse("default", entry).queues["default"].timeout == timedelta(seconds=timeout)


def test_a_batch_over_ten_needs_a_window():
    entry = params()
    entry["OPTIONS"]["queues"] = {"default": {"batch_size": 11}}

    assert [problem.hint for problem in find_problems(entry)] == [
        "Set batch_window to 1 s or more, because AWS requires it."
    ]

    entry["OPTIONS"]["queues"]["default"]["batch_window"] = 1
    assert list(find_problems(entry)) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"client": "curl"}, "OPTIONS['client'] is 'curl'."),
        ({"error_text": "staff"}, "OPTIONS['error_text'] is 'staff'."),
        ({"error_text": None}, "OPTIONS['error_text'] is None."),
        ({"error_text": ["owner"]}, "OPTIONS['error_text'] is ['owner']."),
        (
            {"result_ttl": "a day"},
            "OPTIONS['result_ttl'] is 'a day'.",
        ),
        ({"result_ttl": -1}, "OPTIONS['result_ttl'] is -1."),
        ({"result_ttl": timedelta(days=367)}, "OPTIONS['result_ttl'] is datetime.timedelta(days=367)."),
        ({"modules": "shop.work"}, "OPTIONS['modules'] is 'shop.work'."),
        *(
            ({name: value}, f"OPTIONS['{name}'] is {value!r}.")
            for name in ("enqueues_per_attempt", "enqueues_per_root")
            for value in (0, -1, True, 1.5, "10", 10**9 + 1)
        ),
    ],
)
def test_an_invalid_value_is_named(options, text):
    ((check_id, problem, hint),) = problems(**options)

    assert (check_id, problem) == ("E006", text)
    assert hint.endswith(".")


def test_parse_raises_the_first_problem_as_one_sentence_with_a_hint():
    with pytest.raises(ConfigurationError) as raised:
        Options.parse("mail", {"BACKEND": BACKEND, "OPTIONS": {}})

    assert isinstance(raised.value, ImproperlyConfigured)
    assert str(raised.value).startswith("TASKS['mail']: OPTIONS['stack'] is missing. Give the stack a name")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, timedelta(seconds=5)), (0.25, timedelta(milliseconds=250)), (timedelta(days=1), timedelta(days=1))],
)
def test_a_duration_is_seconds_or_a_timedelta(value, expected):
    assert duration(value) == expected


@pytest.mark.parametrize("value", [True, "5", None, [], -1, timedelta(seconds=-1)])
def test_a_value_of_another_type_or_below_zero_is_not_a_duration(value):
    with pytest.raises(ValueError, match=r"neither a number of seconds nor a timedelta|negative"):
        duration(value)


def test_configured_has_only_the_aliases_of_this_library(settings):
    settings.TASKS = {
        "default": params(),
        "elsewhere": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"},
    }

    assert list(configured()) == ["default"]
    assert configured()["default"].transport == "sqs"


def test_configured_follows_the_settings(settings):
    settings.TASKS = {"default": params()}
    before = configured()["default"].stack
    settings.TASKS = {"default": params() | {"OPTIONS": {"stack": "other"}}}

    assert (before, configured()["default"].stack) == ("shop-dev", "other")


def test_the_environment_of_another_stack_is_ignored(monkeypatch):
    options = Options.parse("default", params())
    monkeypatch.setenv(ENV_BUCKET, "b")

    monkeypatch.setenv(ENV_STACK, "other")
    other = options.environment(ENV_BUCKET)
    monkeypatch.setenv(ENV_STACK, "shop-dev")

    assert (other, options.environment(ENV_BUCKET)) == (None, "b")


def test_the_first_secret_signs_and_the_fallbacks_verify(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]

    assert signing_keys() == ["new", "old"]


def test_a_worker_is_invoked_by_the_alias_of_its_deployed_stack(monkeypatch):
    options = Options.parse("default", {"BACKEND": BACKEND, "OPTIONS": {"stack": "shop-dev"}})
    assert options.invoked_function("default") == "shop-dev-default-worker"

    monkeypatch.setenv("OFFLOAD_ALIAS", "live")
    monkeypatch.setenv("OFFLOAD_STACK", "shop-dev")

    assert options.invoked_function("default") == "shop-dev-default-worker:live"
    assert options.worker_function("default") == "shop-dev-default-worker"


def test_the_backends_of_one_process_share_the_options_of_an_alias(settings):
    settings.TASKS = {"default": params()}
    first, second = (task_backends.create_connection("default") for _ in range(2))
    settings.TASKS = {"default": params(stack="other")}
    third = task_backends.create_connection("default")

    assert first is not second
    assert first.conf is second.conf
    assert (first.conf.stack, third.conf.stack) == ("shop-dev", "other")


@pytest.mark.parametrize("alias", ["", "x" * 101, 7, "shop\ud800"], ids=["empty", "long", "number", "half"])
def test_an_alias_that_no_record_can_contain_is_a_problem_and_stops_no_other(settings, alias, caplog):
    settings.TASKS = {"default": params(), "é" * 100: params(), alias: params()}

    assert set(configured()) == {"default", "é" * 100}
    assert "can't be used: Its alias can't be part of a record. Give a text of 1 to 100" in caplog.text
    (message,) = check_backends()
    assert (message.id, message.level) == ("django_offload.E007", ERROR)
    assert "can't be part of a record" in message.msg
    with pytest.raises(ConfigurationError, match=r"The alias .* can't be part of a record\. Give a text"):
        Options.parse(alias, params())


@pytest.mark.parametrize("value", [1, 10_000, 10**9, None])
@pytest.mark.parametrize("name", ["enqueues_per_attempt", "enqueues_per_root"])
def test_a_limit_of_enqueues_is_a_whole_number_or_none(name, value):
    assert list(problems(**{name: value})) == []
