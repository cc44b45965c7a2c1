"""The five fields of crontab become AWS's six, or a ValueError says what to write."""

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from django_offload.conf.crontab import aws_expression
from django_offload.conf.occurrence_times import next_times
from django_offload.conf.schedules import when_problem
from tests.docs.pages import rows
from tests.docs.schedule_times import OPTIONS, PAGE, TASK, names_of
from tests.unit.conf.schedule_comparison import field


@pytest.mark.parametrize(
    ("five_fields", "expected"),
    [
        # Sunday is 0 and 7 in crontab, and 1 on AWS.
        ("0 3 * * *", "cron(0 3 * * ? *)"),
        ("0 3 * * 0", "cron(0 3 ? * 1 *)"),
        ("0 3 * * 7", "cron(0 3 ? * 1 *)"),
        ("0 3 * * 7-7", "cron(0 3 ? * 1 *)"),
        ("0 3 * * 0-0", "cron(0 3 ? * 1 *)"),
        ("0 3 * * 6", "cron(0 3 ? * 7 *)"),
        ("0 3 * * 1-5", "cron(0 3 ? * 2-6 *)"),
        ("0 3 * * 5-7", "cron(0 3 ? * 1,6,7 *)"),
        ("0 3 * * 4-7", "cron(0 3 ? * 1,5-7 *)"),
        ("0 3 * * 0-5", "cron(0 3 ? * 1-6 *)"),
        ("0 3 * * 0,6", "cron(0 3 ? * 1,7 *)"),
        ("0 3 * * 6,7,0", "cron(0 3 ? * 1,7 *)"),
        ("0 3 * * 1-2,4-5", "cron(0 3 ? * 2,3,5,6 *)"),
        # Steps, which AWS's weekdays don't have.
        ("0 3 * * */2", "cron(0 3 ? * 1,3,5,7 *)"),
        ("0 3 * * */3", "cron(0 3 ? * 1,4,7 *)"),
        ("0 3 * * */7", "cron(0 3 ? * 1 *)"),
        ("0 3 * * 1-5/2", "cron(0 3 ? * 2,4,6 *)"),
        ("0 3 * * 1-7/2", "cron(0 3 ? * 1,2,4,6 *)"),
        ("0 3 * * 1-5/2,6", "cron(0 3 ? * 2,4,6,7 *)"),
        # Each day, in other words.
        ("0 3 * * 0-7", "cron(0 3 * * ? *)"),
        ("0 3 * * 0-6", "cron(0 3 * * ? *)"),
        ("0 3 * * 1-7", "cron(0 3 * * ? *)"),
        ("0 3 * * */1", "cron(0 3 * * ? *)"),
        ("0 3 1-31 * *", "cron(0 3 * * ? *)"),
        ("0 3 1-31 * 1", "cron(0 3 * * ? *)"),
        ("0 3 15 * 0-6", "cron(0 3 * * ? *)"),
        ("0 3 */1 * 1", "cron(0 3 ? * 2 *)"),
        # Names, in any case.
        ("0 3 * * sun", "cron(0 3 ? * SUN *)"),
        ("0 3 * * Mon-Fri", "cron(0 3 ? * MON-FRI *)"),
        ("0 3 * * MON,wed,Fri", "cron(0 3 ? * MON,WED,FRI *)"),
        ("0 3 * * FRI-MON", "cron(0 3 ? * SUN,MON,FRI,SAT *)"),
        ("0 3 * * sat-sun", "cron(0 3 ? * SUN,SAT *)"),
        ("0 3 * * MON-7", "cron(0 3 * * ? *)"),
        ("0 3 * * FRI-MON/2", "cron(0 3 ? * SUN,FRI *)"),
        ("0 3 * * SUN-SAT", "cron(0 3 * * ? *)"),
        ("0 3 1 jan,JUL *", "cron(0 3 1 JAN,JUL ? *)"),
        ("0 3 1 nov-feb *", "cron(0 3 1 JAN,FEB,NOV,DEC ? *)"),
        # '?' in one of the two days.
        ("0 3 ? * 1", "cron(0 3 ? * 2 *)"),
        ("0 3 1 * ?", "cron(0 3 1 * ? *)"),
        ("0 3 * * ?", "cron(0 3 * * ? *)"),
        # Steps and lists elsewhere.
        ("*/15 * * * *", "cron(0/15 * * * ? *)"),
        ("*/1 */1 * * *", "cron(* * * * ? *)"),
        ("5-59/15 * * * *", "cron(5/15 * * * ? *)"),
        ("*/30 9-17 * * *", "cron(0,30 9-17 * * ? *)"),
        ("0 */6 * * *", "cron(0 0/6 * * ? *)"),
        ("0 0 */10 * *", "cron(0 0 1/10 * ? *)"),
        ("10-50/20,3 * * * *", "cron(3,10,30,50 * * * ? *)"),
        ("0 0 1 */3 *", "cron(0 0 1 1,4,7,10 ? *)"),
        # Blanks and zeros.
        ("\t 05  03\t01 01 * ", "cron(5 3 1 1 ? *)"),
        ("0 0 29 2 *", "cron(0 0 29 2 ? *)"),
        # Names for the whole.
        ("@hourly", "cron(0 * * * ? *)"),
        ("@Daily", "cron(0 0 * * ? *)"),
        ("@midnight", "cron(0 0 * * ? *)"),
        ("@weekly", "cron(0 0 ? * 1 *)"),
        ("@monthly", "cron(0 0 1 * ? *)"),
        ("@yearly", "cron(0 0 1 1 ? *)"),
        (" @annually ", "cron(0 0 1 1 ? *)"),
    ],
)
def test_five_fields_become_aws_six(five_fields, expected):
    assert aws_expression(five_fields) == expected
    assert when_problem(expected) is None


@pytest.mark.parametrize(
    ("five_fields", "problem", "advice"),
    [
        ("60 * * * *", "'minute' is '60', and '60' is none of its values", "Write 0 to 59, a list"),
        ("-1 * * * *", "'minute' is '-1', and '' is none of its values", "Write 0 to 59"),
        ("0 24 * * *", "'hour' is '24', and '24' is none", "Write 0 to 23"),
        ("0 0 0 * *", "'day of month' is '0', and '0' is none", "Write 1 to 31"),
        ("0 0 32 * *", "'day of month' is '32', and '32' is none", "Write 1 to 31"),
        ("0 0 1 0 *", "'month' is '0', and '0' is none", "Write 1 to 12 or JAN to DEC"),
        ("0 0 1 13 *", "'month' is '13', and '13' is none", "Write 1 to 12 or JAN to DEC"),
        ("0 0 * * 8", "'day of week' is '8', and '8' is none", "Write 0 to 7 or SUN to SAT"),
        ("0 0 * * 00008", "'day of week' is '00008', and '00008' is none", "Write 0 to 7 or SUN to SAT"),
        ("0 0 * * MONDAY", "'day of week' is 'MONDAY', and 'MONDAY' is none", "Write 0 to 7 or SUN to SAT"),
        ("MON 0 * * *", "'minute' is 'MON', and 'MON' is none", "Write 0 to 59"),
        ("٣ 0 * * *", "'minute' is '٣', and '٣' is none", "Write 0 to 59"),
        ("1.5 0 * * *", "'minute' is '1.5', and '1.5' is none", "Write 0 to 59"),
        ("1,,2 0 * * *", "'minute' is '1,,2', and it has an empty value", "Write 0 to 59"),
        ("0 0 1, * *", "'day of month' is '1,', and it has an empty value", "Write 1 to 31"),
        ("*/0 * * * *", "'minute' is '*/0', and '0' is no step", "Write a step from 1 to 59."),
        ("*/60 * * * *", "'minute' is '*/60', and '60' is no step", "Write a step from 1 to 59."),
        ("*/ * * * *", "'minute' is '*/', and '' is no step", "Write a step from 1 to 59."),
        ("*/1/2 * * * *", "'minute' is '*/1/2', and '1/2' is no step", "Write a step from 1 to 59."),
        ("5/15 * * * *", "'minute' is '5/15', and '5/15' has a step, but no", "Write '5-59/15', or '*/15'."),
        ("0 0 * * 1/2", "'day of week' is '1/2', and '1/2' has a step, but no", "Write '1-7/2', or '*/2'."),
        ("50-10 * * * *", "'minute' is '50-10', and the range '50-10' goes back", "Write '50-59,0-10'."),
        ("0 22-2 * * *", "'hour' is '22-2', and the range '22-2' goes back", "Write '22-23,0-2'."),
        ("0 22-2/2 * * *", "'hour' is '22-2/2', and the range '22-2' goes back", "Write a list."),
        ("0 0 * * 6-1", "'day of week' is '6-1', and the range '6-1' goes back", "Write '6-7,0-1'."),
        ("0 0 * * 1-", "'day of week' is '1-', and '' is none", "Write 0 to 7"),
        ("0 0 * * 1-2-3", "'day of week' is '1-2-3', and '2-3' is none", "Write 0 to 7"),
        ("0 0 L * *", "'day of month' is 'L', and 'L' is none", "AWS's own six fields go into OPTIONS"),
        ("0 0 15W * *", "'day of month' is '15W', and '15W' is none", "AWS's own six fields go into OPTIONS"),
        ("0 0 * * 1#1", "'day of week' is '1#1', and '1#1' is none", "AWS's own six fields go into OPTIONS"),
        ("? 0 * * *", "'minute' is '?', and '?' is none", "Write 0 to 59"),
        (
            "0 0 ? * ?",
            "'day of month' is '?', and so is the field 'day of week'",
            "Write '*' in at least one",
        ),
        ("0 0 ?,1 * *", "'day of month' is '?,1', and '?' is none", "Write 1 to 31"),
        ("0 0 31 2 *", "'day of month' is '31', and no month of '2' has such", "Write a day that comes."),
        ("0 0 31 4,6,9,nov ?", "'day of month' is '31', and no month of '4,6,9,nov'", "Write a day that"),
        ("0 0\xa0* * *", "have 4 fields", "Write five: minute, hour, day of month, month, day of week."),
        ("", "The times '' have 0 fields", "Write five: minute, hour, day of month, month, day of week."),
        (" \t", "have 0 fields", "Write five: minute, hour"),
        ("0 3 * *", "have 4 fields", "Write five: minute, hour"),
        ("0 3 * * ? *", "have 6 fields", "AWS's own six fields go into OPTIONS['schedules']"),
        ("cron(0 3 * * ? *)", "have 6 fields", "AWS's own six fields go into OPTIONS['schedules']"),
        ("@reboot", "'@reboot' has no time on AWS", "Write five fields."),
        ("@REBOOT", "'@reboot' has no time on AWS", "Write five fields."),
        ("@every 5m", "'@every 5m' is no time", "or one of: @yearly, @annually, @monthly"),
        (None, "The times None are no text", "Write five fields, as '0 3 * * *'."),
        (b"0 3 * * *", "are no text", "Write five fields, as '0 3 * * *'."),
    ],
)
def test_what_no_crontab_has_is_refused_with_what_to_write(five_fields, problem, advice):
    with pytest.raises(ValueError) as refused:  # noqa: PT011, the texts are compared below
        aws_expression(five_fields)
    assert problem in str(refused.value)
    assert advice in str(refused.value)


def test_either_of_two_days_is_refused_with_the_two_schedules_to_write():
    with pytest.raises(ValueError, match="The field 'day of month' is '1,15', and") as refused:
        aws_expression("0 3 1,15 * FRI")
    assert str(refused.value).endswith("Write two schedules: '0 3 1,15 * *' and '0 3 * * FRI'.")
    for each in ("0 3 1,15 * *", "0 3 * * FRI"):
        assert when_problem(aws_expression(each)) is None


@pytest.mark.parametrize("five_fields", ["0 3 */2 * MON", "0 3 1-7 * */2"])
def test_two_days_that_must_both_be_are_refused_without_a_wrong_advice(five_fields):
    """Vixie cron wants both where a field begins with '*'. Two schedules would be something else."""
    with pytest.raises(ValueError, match="The field 'day of month'") as refused:
        aws_expression(five_fields)
    assert str(refused.value).endswith("Write '*' in one of the two, and let the task look at the other.")


def test_a_long_list_is_refused_in_a_short_sentence():
    with pytest.raises(ValueError, match="day of month") as refused:
        aws_expression(f"{','.join(['1'] * 1000)} 0 1 * 1")
    assert len(str(refused.value)) < 400
    assert "Write two schedules: one for each of the two fields." in str(refused.value)


def test_the_longest_expression_is_one_that_aws_takes():
    """Two of three values, because three in a row become a range, and equal distances a step."""
    minutes, hours, days = (
        ",".join(str(value) for value in range(low, high) if value % 3)
        for low, high in ((0, 60), (0, 24), (1, 32))
    )
    expression = aws_expression(f"{minutes} {hours} {days},31 JAN,FEB,APR,MAY,JUL,AUG,OCT,NOV *")
    assert len(expression) > 250
    assert when_problem(expression) is None


def test_the_page_about_times_says_what_is_so():
    """Each row of its tables: what is translated, and what is refused and what to write instead."""
    table = rows(PAGE.read_text())
    shown = [[re.findall(r"`([^`]+)`", cell) for cell in row] for row in table]
    translated = [
        (text, aws[0]) for first, aws, *_ in shown if aws and aws[0].startswith("cron(") for text in first
    ]
    assert len(translated) == 18
    for five_fields, expected in translated:
        assert aws_expression(five_fields) == expected
    others = [
        (row[0][0], row[2]) for row in shown if len(row) == 3 and row[0] and row[0][0] not in dict(translated)
    ]
    refused = [(text, instead) for text, instead in others if text.count(" ") == 4 or text == "@reboot"]
    assert len(refused) == 8
    for five_fields, instead in refused:
        with pytest.raises(ValueError, match="Write "):
            aws_expression(five_fields)
        for better in instead:
            if better.count(" ") == 4:
                assert aws_expression(better)


def test_the_two_ways_to_write_a_time_on_the_page_are_the_same():
    schedule = names_of(TASK)["build_report"].schedule
    (declared,) = names_of(OPTIONS)["OPTIONS"]["schedules"].values()
    assert (schedule.when, schedule.timezone) == (declared["when"], declared["timezone"])
    assert when_problem(declared["when"]) is None


ITEMS = st.one_of(
    st.integers(-1, 70).map(str),
    st.sampled_from(("*", "?", "", "L", "5W", "6L", "mon", "FRI", "Dec", "1#2", "00", "٣", "@daily", "~")),
)
FIELD_TEXTS = st.lists(
    st.builds(
        "".join,
        st.tuples(
            ITEMS,
            st.sampled_from(("", "", "-5", "-1", "-FRI", "-70", "-", "/2", "-30/7", "/0", "/1/1", "/*")),
        ),
    ),
    min_size=1,
    max_size=4,
).map(",".join)
LINES = st.lists(FIELD_TEXTS, min_size=4, max_size=6).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(five_fields=st.text() | LINES | st.text(alphabet="0123456789*/,-? \tLW#", max_size=40))
@example(five_fields="\ud800 * * * *")
@example(five_fields="* * * * *\n")
@example(five_fields="9" * 5000 + " * * * *")
def test_any_text_is_an_expression_that_aws_takes_or_a_value_error(five_fields):
    try:
        expression = aws_expression(five_fields)
    except ValueError as exc:
        assert str(exc).endswith((".", ".)"))  # noqa: PT017, any text
        str(exc).encode()
        assert "Write " in str(exc)  # noqa: PT017
    else:
        assert when_problem(expression) is None


def meant(text, low, high):
    """Return the values of a field, read in another way than the module does: value by value."""
    return {
        value for value in range(low, high + 1) if any(fits(item, value, low) for item in text.split(","))
    }


def fits(item, value, low):
    span, _, step = item.partition("/")
    first, _, last = span.partition("-")
    if span == "*":
        return (value - low) % int(step or 1) == 0
    return int(first) <= value <= int(last or first) and (value - int(first)) % int(step or 1) == 0


def minutes(five_fields, start, end):
    """Return the minutes of crontab in UTC, by looking at each day, each hour and each minute."""
    minute, hour, day, month, weekday = five_fields.split(" ")
    found = []
    today = start
    while today < end:
        is_day = (
            today.day in meant(day, 1, 31)
            and today.month in meant(month, 1, 12)
            and {today.isoweekday(), today.isoweekday() % 7} & meant(weekday, 0, 7)
        )
        if is_day:
            found += [
                today.replace(hour=one, minute=other)
                for one in sorted(meant(hour, 0, 23))
                for other in sorted(meant(minute, 0, 59))
            ]
        today += timedelta(days=1)
    return found


def test_the_minutes_of_two_years_are_those_of_crontab(request):
    draw = random.Random(request.config.getoption("randomly_seed", 1))
    start, end = datetime(2027, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    compared = 0
    for _ in range(25):
        days = draw.choice((("*", "*"), (field(draw, 1, 28, 0.7), "*"), ("*", field(draw, 0, 7, 0.8))))
        month = draw.choice(("*", field(draw, 1, 12, 0.8)))
        five_fields = f"{field(draw, 0, 59, 0.2)} {field(draw, 0, 23, 0.4)} {days[0]} {month} {days[1]}"
        expected = minutes(five_fields, start, end)
        found = next_times(
            aws_expression(five_fields), "UTC", start - timedelta(minutes=1), len(expected) + 1
        )
        assert [time for time in found if time < end] == expected, five_fields
        compared += len(expected)
    assert compared > 1_000
