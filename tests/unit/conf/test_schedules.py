"""OPTIONS['schedules'] is parsed, and each problem comes with a hint."""

import sys
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pytest
from django.core.checks import WARNING
from django.utils.translation import gettext_lazy

from django_offload import checks
from django_offload.conf import configured
from django_offload.conf.schedules import KEYS, Recurrence, schedule_problems
from tests.contract.setup import tasks_setting

GOOD = {"task": "tests.unit.tasks.double", "when": "rate(5 minutes)", "args": [4]}


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def declare(settings, **changes):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], schedules={"nightly": {**GOOD, **changes}})


@pytest.mark.parametrize(
    "when",
    [
        *("rate(1 minute)", "rate(20160 minutes)", "rate(12 hours)", "rate(11 days)", "rate(1 day)"),
        *("cron(0 3 * * ? *)", "cron(0/5 8-17 ? * MON-FRI *)"),
        *("cron(15,45 0 L * ? *)", "cron(0 8 1 JAN,jul ? 2026-2030)", "cron(0 8 ? * 6L *)"),
        *("cron(0 8 ? * FRI#2 *)", "cron(0 8 15W * ? *)", "cron(*/10 22-2 ? * 1 2199)"),
        *("cron(0 3 ? 1/3 SUN *)", "cron(59 23 31 12 ? 1970)", "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)"),
        *(
            "cron(30-30 13-13 ? * 2,4,6 *)",
            "cron(1 1 1-31/30 1-12/3 ? *)",
            "cron(0 3 L * ? *)",
            "cron(0 3 ? * L *)",
        ),
        *("cron(0 8 LW * ? *)", "cron(0 8 1,lw * ? *)"),
        *("cron(0 3 ? * SAT-THU *)", "cron(00 03 01 01 ? *)", "cron(0 3 * * ? 2026/2)"),
    ],
)
def test_a_schedule_that_aws_understands_has_no_problem(when):
    assert list(schedule_problems({"nightly": {**GOOD, "when": when, "timezone": "Europe/Zurich"}})) == []


@pytest.mark.parametrize(
    ("when", "problem", "hint"),
    [
        ("cron(0 3 * * * *)", "its day of month is '*' and its day of week '*'", "Write '?' in exactly one"),
        ("cron(0 3 ? * ? *)", "its day of month is '?' and its day of week '?'", "Write '?' in exactly one"),
        ("cron(0 3 1 * MON *)", "its day of month is '1' and its day of week 'MON'", "Write '?' in exactly"),
        ("cron(0 24 * * ? *)", "its field 'hours' is '24', and '24' is none of", "Write 0 to 23, a list"),
        ("cron(60 3 * * ? *)", "its field 'minutes' is '60', and '60' is none of", "Write 0 to 59"),
        ("cron(0 3 32 * ? *)", "its field 'day of month' is '32', and '32' is none", "Write 1 to 31"),
        ("cron(0 3 0 * ? *)", "its field 'day of month' is '0', and '0' is none", "Write 1 to 31"),
        ("cron(0 3 * 13 ? *)", "its field 'month' is '13', and '13' is none", "Write 1 to 12 or JAN"),
        ("cron(0 3 * MAI ? *)", "its field 'month' is 'MAI', and 'MAI' is none", "Write 1 to 12 or JAN"),
        (
            "cron(0 3 ? * 0 *)",
            "its field 'day of week' is '0', and '0' is none",
            "Write 1 to 7 or SUN to SAT",
        ),
        (
            "cron(0 3 ? * MONDAY *)",
            "its field 'day of week' is 'MONDAY', and 'MONDAY' is",
            "Write 1 to 7 or SUN to SAT",
        ),
        ("cron(0 3 ? * 6#6 *)", "its field 'day of week' is '6#6', and '6#6' is none", "Write 1 to 7"),
        ("cron(0 3 ? * 6#1,2 *)", "its field 'day of week' is '6#1,2', and a value with", "Write 1"),
        ("cron(0 3 ?,1 * ? *)", "its field 'day of month' is '?,1', and '?' can't", "Write 1"),
        (
            "cron(0 3 * * ? 1969)",
            "its field 'year' is '1969', and '1969' is none of its values",
            "Write 1970 to 2199",
        ),
        ("cron(0 3 * * ? 2030-2026)", "its field 'year' is '2030-2026', and", "Write 1970 to 2199"),
        ("cron(0/0 3 * * ? *)", "its field 'minutes' is '0/0', and '0/0' is none", "Write 0 to 59"),
        ("cron(0 3 32W * ? *)", "its field 'day of month' is '32W', and", "Write 1 to 31"),
        ("cron(0 3 * * ? 2200)", "its field 'year' is '2200', and '2200' is none", "Write 1970 to 2199"),
        ("cron(*/60 3 * * ? *)", "its field 'minutes' is '*/60', and '*/60' is none", "Write 0 to 59"),
        ("cron(0 3 ? * 2/2 *)", "its field 'day of week' is '2/2', and '2/2' is none", "Write 1 to 7"),
        ("cron(0 3 ? * #1 *)", "its field 'day of week' is '#1', and '#1' is none", "Write 1 to 7"),
        ("cron(0 3 ? * 2#0 *)", "its field 'day of week' is '2#0', and '2#0' is none", "Write 1 to 7"),
        ("cron(0 3 ? * 8L *)", "its field 'day of week' is '8L', and '8L' is none", "Write 1 to 7"),
        ("cron(0 3 ? * FOOL *)", "its field 'day of week' is 'FOOL', and 'FOOL' is none", "Write 1 to 7"),
        ("cron(0 3 W * ? *)", "its field 'day of month' is 'W', and 'W' is none", "Write 1 to 31"),
        ("cron(0 3 WL * ? *)", "its field 'day of month' is 'WL', and 'WL' is none", "Write 1 to 31"),
        ("cron(0 3 L/2 * ? *)", "its field 'day of month' is 'L/2', and 'L/2' is none", "Write 1 to 31"),
        ("cron(0 3 ?/2 * MON *)", "its field 'day of month' is '?/2', and '?/2' is none", "Write 1 to 31"),
        ("cron(0 3 5- * ? *)", "its field 'day of month' is '5-', and '5-' is none", "Write 1 to 31"),
        ("cron(0 3 1-2-3 * ? *)", "its field 'day of month' is '1-2-3', and", "Write 1 to 31"),
        ("cron(0 L * * ? *)", "its field 'hours' is 'L', and 'L' is none", "Write 0 to 23"),
        ("cron(0 3 * ? ? *)", "its field 'month' is '?', and '?' is none", "Write 1 to 12"),
        ("cron(0 ٣ * * ? *)", "its field 'hours' is '٣', and '٣' is none", "Write 0 to 23"),
        ("cron(0 3, * * ? *)", "its field 'hours' is '3,', and it has an empty value", "Write 0 to 23"),
        ("cron(? 3 * * ? *)", "its field 'minutes' is '?', and '?' is none", "Write 0 to 59"),
        (
            "cron(at three o clock every day)",
            "its field 'minutes' is 'at', and 'at' is none",
            "Write 0 to 59",
        ),
        ("cron(-1 3 * * ? *)", "its field 'minutes' is '-1', and '-1' is none", "Write 0 to 59"),
    ],
)
def test_the_field_that_aws_would_refuse_is_named(when, problem, hint):
    ((text, advice),) = schedule_problems({"nightly": {**GOOD, "when": when}})

    assert text.startswith(f"OPTIONS['schedules']['nightly']['when'] is {when!r}: {problem}")
    assert advice.startswith(hint)


@pytest.mark.parametrize(
    ("schedules", "hint"),
    [
        (["nightly"], "Give a dictionary of schedules by name."),
        ({"every night": GOOD}, "Use at most 48 letters, digits, hyphens and underscores."),
        ({"nightly": "rate(1 day)"}, f"Give 'task' and 'when'. The keys are: {', '.join(KEYS)}."),
        ({"nightly": {"task": "a.b"}}, f"Give 'task' and 'when'. The keys are: {', '.join(KEYS)}."),
        ({"nightly": {**GOOD, "at": 3}}, f"Give 'task' and 'when'. The keys are: {', '.join(KEYS)}."),
        (
            {"nightly": {**GOOD, "when": "0 3 * * *"}},
            "Write 'rate(5 minutes)', or 'cron(0 3 * * ? *)' with AWS's six fields.",
        ),
        (
            {"nightly": {**GOOD, "when": "rate(0 minutes)"}},
            "Write 'rate(5 minutes)', or 'cron(0 3 * * ? *)' with AWS's six fields.",
        ),
        ({"nightly": {**GOOD, "when": "rate(1 minutes)"}}, "Write 'rate(1 minute)'."),
        (
            {"nightly": {**GOOD, "when": f"cron({','.join(map(str, range(60)))} {'1,' * 50}1 * * ? *)"}},
            "Write ranges ('1-5') and steps ('0/5') instead of lists, or several schedules.",
        ),
        ({"nightly": {**GOOD, "when": "rate(5 minute)"}}, "Write 'rate(5 minutes)'."),
        ({"nightly": {**GOOD, "when": "rate(1 days)"}}, "Write 'rate(1 day)'."),
        (
            {"nightly": {**GOOD, "when": "at(2030-01-01T00:00:00)"}},
            "Write 'rate(5 minutes)', or 'cron(0 3 * * ? *)' with AWS's six fields. To run a task once, "
            "enqueue it with run_after.",
        ),
        *(
            (
                {"nightly": {**GOOD, "when": when}},
                "Write 'rate(5 minutes)', or 'cron(0 3 * * ? *)' with AWS's six fields.",
            )
            for when in (
                *(
                    "rate(5 seconds)",
                    "rate(05 minutes)",
                    "rate(5  minutes)",
                    "rate( 5 minutes)",
                    "rate(-5 minutes)",
                ),
                *(
                    "rate(1.5 hours)",
                    "Rate(5 minutes)",
                    "rate(5 Minutes)",
                    "rate(5 minutes) ",
                    "rate(5 weeks)",
                ),
                *("rate(٥ minutes)", "rate(5 minutes)\n", "rate()", "rate(5)", "cron()", "CRON(0 3 * * ? *)"),
                *("cron(0 3 * * ?)", "cron(0 3 * * ? * *)", "cron(0  3 * * ? *)", "cron( 0 3 * * ? *)"),
                *("0 3 * * ? *", "cron 0 3 * * ? *", "cron(0 3 * * ? *", "cron(0\t3 * * ? *)", "@daily", ""),
            )
        ),
        ({"nightly": {**GOOD, "timezone": "Zurich"}}, "Give a name such as 'Europe/Zurich'."),
        ({"nightly": {**GOOD, "timezone": 1}}, "Give a name such as 'Europe/Zurich'."),
        (
            {"nightly": {**GOOD, "args": "4"}},
            "Give 'args' as a list, 'kwargs' as a dictionary.",
        ),
        (
            {"nightly": {**GOOD, "args": [object()]}},
            "Pass numbers, text, lists and dictionaries that describe it.",
        ),
        ({"nightly": {**GOOD, "args": ["x" * 10_001]}}, "Give at most 10,000 bytes."),
        ({"nightly": {**GOOD, "kwargs": {"x" * 10_001: 1}}}, "Give at most 10,000 bytes."),
    ],
)
def test_each_problem_has_a_hint(schedules, hint):
    assert [problem[1] for problem in schedule_problems(schedules)] == [hint]


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        ({"args": [1, {"day": date(2026, 1, 1)}]}, "args[1].day is a date.", "Pass day.isoformat(), and"),
        ({"kwargs": {"rate": Decimal(1)}}, "kwargs.rate is a Decimal.", "Pass str(rate), and"),
        (
            {"args": [{7: 1}]},
            "args[0] is a dictionary with a key of type int, and JSON",
            "Pass a dictionary wh",
        ),
        ({"args": [nested(400)]}, "args is nested too deeply.", "Pass a flatter value"),
        ({"kwargs": {7: 1}}, "kwargs is a dictionary with a key of type int, and JSON", "Pass a dictionary"),
        ({"args": ["\ud83d\ude00"]}, "args[0] is a text with the two halves of a surrogate pair", "Pass "),
        (
            {"args": [{"a": {1: 0, "1": 0}}]},
            "args[0].a is a dictionary with a key of type int",
            "Pass a dict",
        ),
        ({"args": [10**4_300]}, "args[0] is a whole number of more than 4,300 digits", "Pass hex("),
        ({"kwargs": {"rate": float("nan")}}, "kwargs.rate is NaN, which JSON doesn't", "Pass None instead"),
        (
            {"kwargs": MappingProxyType({"kind": gettext_lazy("a")})},
            "kwargs.kind is a lazy",
            "Pass str(kind).",
        ),
    ],
)
def test_an_argument_that_json_cannot_carry_is_named(arguments, problem, hint):
    ((text, advice),) = schedule_problems({"nightly": {**GOOD, **arguments}})

    assert text.startswith(f"OPTIONS['schedules']['nightly']: {problem}")
    assert advice.startswith(hint)


def test_a_number_that_only_this_process_can_read_is_named():
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        ((text, advice),) = schedule_problems({"nightly": {**GOOD, "args": [10**4_300]}})
    finally:
        sys.set_int_max_str_digits(before)

    assert "args[0] is a whole number of more than 4,300 digits" in text
    assert advice.startswith("Pass hex(")


def test_other_values_that_json_can_carry_have_no_problem():
    arguments = {"args": (1, range(2), {"a": (2,)}), "kwargs": MappingProxyType({"b": {"3": None}})}

    assert list(schedule_problems({"nightly": {**GOOD, **arguments}})) == []


def test_a_schedule_is_parsed_with_its_defaults(settings):
    declare(settings)

    assert configured()["default"].schedules == {
        "nightly": Recurrence(task="tests.unit.tasks.double", when="rate(5 minutes)", args=(4,))
    }
    assert checks.check_schedules() == []


def test_a_problem_is_a_system_check_of_the_backend(settings):
    from django_offload.compat import task_backends

    declare(settings, when="daily")

    (message,) = task_backends["default"].check()

    assert message.id == "django_offload.E006"
    assert message.msg == "TASKS['default']: OPTIONS['schedules']['nightly']['when'] is 'daily'."
    assert checks.check_schedules() == []


@pytest.mark.parametrize(
    "when", ["cron(0 0 31 2 ? *)", "cron(0 3 * * ? 2020-2025)", "cron(0 0 ? 2 1#5 2027)"]
)
def test_a_schedule_that_never_comes_again_is_a_warning(settings, when):
    declare(settings, when=when)

    messages = checks.check_schedules()

    assert [(message.id, message.level) for message in messages] == [("django_offload.W045", WARNING)] * 2
    assert f"OPTIONS['schedules']['nightly'] never comes again: '{when}'" in messages[0].msg
    assert "Correct its day, its month or its year" in messages[0].hint


@pytest.mark.parametrize("when", ["cron(0 0 29 2 ? *)", "cron(0 3 * * ? 2199)", "cron(0 0 ? 2 1#5 *)"])
def test_a_schedule_that_comes_rarely_is_no_warning(settings, when):
    declare(settings, when=when)
    assert checks.check_schedules() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"task": "shop.gone"}, "shop.gone"), ({"args": []}, "missing a required argument")],
)
def test_a_schedule_that_could_never_run_is_reported(settings, changes, reason):
    declare(settings, **changes)

    messages = checks.check_schedules()

    assert {message.id for message in messages} == {"django_offload.E014"}
    assert len(messages) == 2  # Both backends declare it.
    assert reason in messages[0].msg
    assert "OPTIONS['schedules']['nightly']" in messages[0].msg
