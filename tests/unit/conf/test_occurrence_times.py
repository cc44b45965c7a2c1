"""The next times of a schedule, by AWS's rules, also in the nights when the clock is changed."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_offload.conf.occurrence_times import next_times
from tests.unit.conf.schedule_comparison import compare


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def written(times):
    return [moment.strftime("%Y-%m-%dT%H:%M") for moment in times]


@pytest.mark.parametrize(
    ("when", "after", "expected"),
    [
        # One field after the other.
        ("cron(0 3 * * ? *)", "2026-12-01T02:59", ["2026-12-01T03:00", "2026-12-02T03:00"]),
        ("cron(0 3 * * ? *)", "2026-12-01T03:00", ["2026-12-02T03:00", "2026-12-03T03:00"]),
        ("cron(0 3 * * ? *)", "2026-12-01T02:59:59.999999", ["2026-12-01T03:00", "2026-12-02T03:00"]),
        ("cron(0 3 * * ? *)", "2026-12-01T03:00:00.000001", ["2026-12-02T03:00", "2026-12-03T03:00"]),
        ("cron(0/20 * * * ? *)", "2026-12-31T23:39", ["2026-12-31T23:40", "2027-01-01T00:00"]),
        ("cron(5/25 8 * * ? *)", "2026-12-01T08:06", ["2026-12-01T08:30", "2026-12-01T08:55"]),
        ("cron(*/30 8 * * ? *)", "2026-12-01T08:06", ["2026-12-01T08:30", "2026-12-02T08:00"]),
        ("cron(0-10/5,59 8 * * ? *)", "2026-12-01T08:05", ["2026-12-01T08:10", "2026-12-01T08:59"]),
        ("cron(0 22-2 * * ? *)", "2026-12-01T22:30", ["2026-12-01T23:00", "2026-12-02T00:00"]),
        ("cron(0 22-3/2 * * ? *)", "2026-12-01T22:30", ["2026-12-02T00:00", "2026-12-02T02:00"]),
        ("cron(0 0 1 NOV-feb ? *)", "2026-12-02T00:00", ["2027-01-01T00:00", "2027-02-01T00:00"]),
        ("cron(0 0 1 11-3/2 ? *)", "2026-12-02T00:00", ["2027-01-01T00:00", "2027-03-01T00:00"]),
        ("cron(0 0 30-2 * ? *)", "2026-12-30T12:00", ["2026-12-31T00:00", "2027-01-01T00:00"]),
        ("cron(0 0 1 1 ? 2028/3)", "2026-12-02T00:00", ["2028-01-01T00:00", "2031-01-01T00:00"]),
        ("cron(0 0 1 1 ? 2027,2030-2032)", "2027-12-02T00:00", ["2030-01-01T00:00", "2031-01-01T00:00"]),
        # Weekdays, where Sunday is 1.
        ("cron(0 0 ? * 1 *)", "2026-12-01T00:00", ["2026-12-06T00:00", "2026-12-13T00:00"]),
        ("cron(0 0 ? * MON-FRI *)", "2026-12-04T00:00", ["2026-12-07T00:00", "2026-12-08T00:00"]),
        ("cron(0 0 ? * SAT-mon *)", "2026-12-05T00:00", ["2026-12-06T00:00", "2026-12-07T00:00"]),
        ("cron(0 0 ? * 7-2 *)", "2026-12-05T00:00", ["2026-12-06T00:00", "2026-12-07T00:00"]),
        ("cron(0 0 ? * L *)", "2026-12-01T00:00", ["2026-12-05T00:00", "2026-12-12T00:00"]),
        ("cron(0 0 ? * 6L *)", "2026-12-01T00:00", ["2026-12-25T00:00", "2027-01-29T00:00"]),
        ("cron(0 0 ? * friL,2 *)", "2026-12-21T00:00", ["2026-12-25T00:00", "2026-12-28T00:00"]),
        ("cron(0 0 ? * 6#1 *)", "2026-12-04T00:00", ["2027-01-01T00:00", "2027-02-05T00:00"]),
        ("cron(0 0 ? * TUE#5 *)", "2026-12-01T00:00", ["2026-12-29T00:00", "2027-03-30T00:00"]),
        # Days of the month.
        ("cron(0 0 L * ? *)", "2027-02-01T00:00", ["2027-02-28T00:00", "2027-03-31T00:00"]),
        ("cron(0 0 L 2 ? *)", "2027-12-01T00:00", ["2028-02-29T00:00", "2029-02-28T00:00"]),
        ("cron(0 0 LW * ? *)", "2027-01-01T00:00", ["2027-01-29T00:00", "2027-02-26T00:00"]),
        ("cron(0 0 1,lw * ? *)", "2027-01-02T00:00", ["2027-01-29T00:00", "2027-02-01T00:00"]),
        ("cron(0 0 15W * ? *)", "2027-05-01T00:00", ["2027-05-14T00:00", "2027-06-15T00:00"]),
        ("cron(0 0 15W 8 ? *)", "2027-05-01T00:00", ["2027-08-16T00:00", "2028-08-15T00:00"]),
        ("cron(0 0 1W 5 ? *)", "2027-04-01T00:00", ["2027-05-03T00:00", "2028-05-01T00:00"]),
        ("cron(0 0 31W 1 ? *)", "2027-01-01T00:00", ["2027-01-29T00:00", "2028-01-31T00:00"]),
        ("cron(0 0 31W * ? *)", "2027-04-01T00:00", ["2027-05-31T00:00", "2027-07-30T00:00"]),
        ("cron(0 0 31 * ? *)", "2027-01-31T00:00", ["2027-03-31T00:00", "2027-05-31T00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-12-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 29 2 ? *)", "2097-01-01T00:00", ["2104-02-29T00:00", "2108-02-29T00:00"]),
        # The first and the last year.
        ("cron(59 23 31 12 ? *)", "2198-12-31T23:59", ["2199-12-31T23:59"]),
        ("cron(0 0 1 1 ? *)", "0001-01-01T00:00", ["1970-01-01T00:00", "1971-01-01T00:00"]),
        ("cron(0 0 * * ? *)", "9999-12-31T23:59", []),
        ("cron(0 0 1 1 ? 2026)", "2026-12-01T00:00", []),
        ("cron(0 0 31 2 ? *)", "2026-12-01T00:00", []),
        ("cron(0 0 30,31 2 ? *)", "1970-01-01T00:00", []),
        ("cron(0 0 ? 2 1#5 2027)", "2026-12-01T00:00", []),
        # Rates.
        ("rate(5 minutes)", "2026-12-01T00:00:30", ["2026-12-01T00:05", "2026-12-01T00:10"]),
        ("rate(1 hour)", "2026-12-01T00:10", ["2026-12-01T01:10", "2026-12-01T02:10"]),
        ("rate(2 days)", "2026-12-01T00:10", ["2026-12-03T00:10", "2026-12-05T00:10"]),
        ("rate(999999999 days)", "2026-12-01T00:10", []),
    ],
)
def test_the_next_times_are_those_of_the_expression(when, after, expected):
    found = next_times(when, "UTC", utc(after), 2)
    assert written(found) == expected
    assert all(moment.tzinfo is UTC for moment in found)


def test_a_rate_counts_from_its_anchor_which_is_its_first_time():
    anchor = utc("2026-12-01T00:02")
    assert written(next_times("rate(5 minutes)", "UTC", utc("2026-12-01T00:20"), 2, anchor)) == [
        "2026-12-01T00:22",
        "2026-12-01T00:27",
    ]
    assert written(next_times("rate(5 minutes)", "UTC", utc("2026-12-01T00:22"), 1, anchor)) == [
        "2026-12-01T00:27"
    ]
    assert written(next_times("rate(5 minutes)", "UTC", utc("2026-11-30T00:00"), 2, anchor)) == [
        "2026-12-01T00:02",
        "2026-12-01T00:07",
    ]


# The rules of AWS, each in one sentence of ours, from
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, "Daylight savings time".
SKIPPED = "A local time that doesn't exist in spring is skipped."
ONCE = "A local time that comes twice in autumn runs once and is not repeated."
ELAPSED = "A day of a rate has 24 hours, also when a day is shorter or longer."
AS_WRITTEN = "A cron expression is evaluated in its time zone, and follows its clock."

NIGHTS = [
    # Zurich: 29 March 2026, 02:00 is 03:00; 25 October 2026, 03:00 is 02:00.
    (SKIPPED, "30 2 * * ?", "Europe/Zurich", "2026-03-28T01:00", ["03-28T01:30", "03-30T00:30"]),
    (SKIPPED, "0 2 * * ?", "Europe/Zurich", "2026-03-28T12:00", ["03-30T00:00", "03-31T00:00"]),
    (SKIPPED, "59 2 * * ?", "Europe/Zurich", "2026-03-28T12:00", ["03-30T00:59", "03-31T00:59"]),
    (SKIPPED, "30 * * * ?", "Europe/Zurich", "2026-03-29T00:00", ["03-29T00:30", "03-29T01:30"]),
    (SKIPPED, "30 2 29 3 ?", "Europe/Zurich", "2026-01-01T00:00", ["2027-03-29T00:30", "2028-03-29T00:30"]),
    (SKIPPED, "30 2 ? 3 1L", "Europe/Zurich", "2026-01-01T00:00", []),
    (AS_WRITTEN, "59 1 * * ?", "Europe/Zurich", "2026-03-28T12:00", ["03-29T00:59", "03-29T23:59"]),
    (AS_WRITTEN, "0 3 * * ?", "Europe/Zurich", "2026-03-28T12:00", ["03-29T01:00", "03-30T01:00"]),
    (ONCE, "30 2 * * ?", "Europe/Zurich", "2026-10-24T12:00", ["10-25T00:30", "10-26T01:30"]),
    (ONCE, "0 2 * * ?", "Europe/Zurich", "2026-10-24T12:00", ["10-25T00:00", "10-26T01:00"]),
    (ONCE, "59 2 * * ?", "Europe/Zurich", "2026-10-25T00:59", ["10-26T01:59", "10-27T01:59"]),
    (ONCE, "30 2 * * ?", "Europe/Zurich", "2026-10-25T01:00", ["10-26T01:30", "10-27T01:30"]),
    (ONCE, "0/30 * * * ?", "Europe/Zurich", "2026-10-25T00:00", ["10-25T00:30", "10-25T02:00"]),
    (ONCE, "0/30 * * * ?", "Europe/Zurich", "2026-10-25T01:10", ["10-25T02:00", "10-25T02:30"]),
    (ONCE, "0 * * * ?", "Europe/Zurich", "2026-10-24T23:00", ["10-25T00:00", "10-25T02:00"]),
    (AS_WRITTEN, "0 3 * * ?", "Europe/Zurich", "2026-10-24T12:00", ["10-25T02:00", "10-26T02:00"]),
    (AS_WRITTEN, "59 1 * * ?", "Europe/Zurich", "2026-10-24T12:00", ["10-24T23:59", "10-26T00:59"]),
    # New York: 8 March 2026, 02:00 is 03:00; 1 November 2026, 02:00 is 01:00.
    (SKIPPED, "15 2 * * ?", "America/New_York", "2026-03-07T12:00", ["03-09T06:15", "03-10T06:15"]),
    (
        SKIPPED,
        "0/15 2 8 3 ?",
        "America/New_York",
        "2026-03-07T12:00",
        ["2027-03-08T07:00", "2027-03-08T07:15"],
    ),
    (SKIPPED, "0 2 ? * 1", "America/New_York", "2026-03-07T12:00", ["03-15T06:00", "03-22T06:00"]),
    (ONCE, "15 1 * * ?", "America/New_York", "2026-10-31T12:00", ["11-01T05:15", "11-02T06:15"]),
    (ONCE, "15 1 1 11 ?", "America/New_York", "2026-11-01T05:15", ["2027-11-01T05:15", "2028-11-01T05:15"]),
    (ONCE, "0 0-3 1 11 ?", "America/New_York", "2026-11-01T04:00", ["11-01T05:00", "11-01T07:00"]),
    (AS_WRITTEN, "0 2 * * ?", "America/New_York", "2026-10-31T12:00", ["11-01T07:00", "11-02T07:00"]),
    # Lord Howe: half an hour. 4 October 2026, 02:00 is 02:30; 5 April 2026, 02:00 is 01:30.
    (SKIPPED, "15 2 * * ?", "Australia/Lord_Howe", "2026-10-03T00:00", ["10-04T15:15", "10-05T15:15"]),
    (AS_WRITTEN, "30 2 * * ?", "Australia/Lord_Howe", "2026-10-03T00:00", ["10-03T15:30", "10-04T15:30"]),
    (SKIPPED, "0/15 2 * * ?", "Australia/Lord_Howe", "2026-10-03T15:00", ["10-03T15:30", "10-03T15:45"]),
    (ONCE, "45 1 * * ?", "Australia/Lord_Howe", "2026-04-04T00:00", ["04-04T14:45", "04-05T15:15"]),
    (AS_WRITTEN, "15 1 * * ?", "Australia/Lord_Howe", "2026-04-04T00:00", ["04-04T14:15", "04-05T14:45"]),
    (ONCE, "0/15 1 * * ?", "Australia/Lord_Howe", "2026-04-04T14:30", ["04-04T14:45", "04-05T14:30"]),
    # Casablanca changes for Ramadan: 15 February 2026, 03:00 is 02:00; 22 March 2026, 02:00 is 03:00.
    (ONCE, "30 2 * * ?", "Africa/Casablanca", "2026-02-14T12:00", ["02-15T01:30", "02-16T02:30"]),
    (SKIPPED, "30 2 * * ?", "Africa/Casablanca", "2026-03-21T12:00", ["03-23T01:30", "03-24T01:30"]),
    (AS_WRITTEN, "30 3 * * ?", "Africa/Casablanca", "2026-03-21T12:00", ["03-22T02:30", "03-23T02:30"]),
    # Kolkata and UTC have no changes.
    (AS_WRITTEN, "30 2 * * ?", "Asia/Kolkata", "2026-03-28T12:00", ["03-28T21:00", "03-29T21:00"]),
    (AS_WRITTEN, "30 2 * * ?", "Asia/Kolkata", "2026-10-24T12:00", ["10-24T21:00", "10-25T21:00"]),
    (AS_WRITTEN, "30 2 * * ?", "UTC", "2026-03-28T12:00", ["03-29T02:30", "03-30T02:30"]),
    (AS_WRITTEN, "30 2 * * ?", "UTC", "2026-10-24T12:00", ["10-25T02:30", "10-26T02:30"]),
    # São Paulo changed at midnight: 4 November 2018, 00:00 is 01:00; 18 February 2018, 00:00 is 23:00 before.
    (SKIPPED, "0 0 * * ?", "America/Sao_Paulo", "2018-11-03T12:00", ["11-05T02:00", "11-06T02:00"]),
    (
        SKIPPED,
        "30 0 4 11 ?",
        "America/Sao_Paulo",
        "2018-11-03T12:00",
        ["2019-11-04T03:30", "2020-11-04T03:30"],
    ),
    (ONCE, "30 23 * * ?", "America/Sao_Paulo", "2018-02-17T12:00", ["02-18T01:30", "02-19T02:30"]),
    (ONCE, "30 23 17 2 ?", "America/Sao_Paulo", "2018-02-18T01:45", ["2019-02-18T02:30", "2020-02-18T02:30"]),
    (AS_WRITTEN, "0 0 * * ?", "America/Sao_Paulo", "2018-02-17T12:00", ["02-18T03:00", "02-19T03:00"]),
    (AS_WRITTEN, "30 0 * * ?", "America/Sao_Paulo", "2026-11-03T12:00", ["11-04T03:30", "11-05T03:30"]),
    # Apia had no 30 December 2011.
    (SKIPPED, "0 12 * * ?", "Pacific/Apia", "2011-12-29T12:00", ["12-29T22:00", "12-30T22:00"]),
    (SKIPPED, "0 12 30 12 ?", "Pacific/Apia", "2011-12-01T00:00", ["2012-12-29T22:00", "2013-12-29T22:00"]),
    (SKIPPED, "0 0 ? * 6", "Pacific/Apia", "2011-12-25T00:00", ["2012-01-05T10:00", "2012-01-12T10:00"]),
    # Dublin's summer is its standard time, and Troll changes by two hours.
    (ONCE, "30 1 * * ?", "Europe/Dublin", "2026-10-24T12:00", ["10-25T00:30", "10-26T01:30"]),
    (SKIPPED, "30 1 * * ?", "Europe/Dublin", "2026-03-28T12:00", ["03-30T00:30", "03-31T00:30"]),
    (SKIPPED, "30 2 * * ?", "Antarctica/Troll", "2026-03-28T12:00", ["03-30T00:30", "03-31T00:30"]),
    (ONCE, "30 2 * * ?", "Antarctica/Troll", "2026-10-24T12:00", ["10-25T00:30", "10-26T02:30"]),
]


@pytest.mark.parametrize(("rule", "fields", "zone", "after", "expected"), NIGHTS)
def test_a_night_when_the_clock_is_changed(rule, fields, zone, after, expected):
    found = written(next_times(f"cron({fields} *)", zone, utc(after), 2))
    full = [text if text.count("-") == 2 else f"{after[:4]}-{text}" for text in expected]
    assert found == full, rule


@pytest.mark.parametrize("night", ["2026-03-28T12:00", "2026-10-24T12:00"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "Australia/Lord_Howe"])
def test_a_rate_of_a_day_has_24_hours_in_each_night(zone, night):
    found = next_times("rate(1 day)", zone, utc(night), 3)
    assert [moment - utc(night) for moment in found] == [timedelta(hours=24 * day) for day in (1, 2, 3)], (
        ELAPSED
    )


@pytest.mark.parametrize(
    "zone", ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
)
def test_each_minute_of_a_year_comes_once_and_in_order(zone):
    """Also asked for one by one, from any moment, no time comes twice and none is lost."""
    after, end = utc("2026-01-01T00:00"), utc("2027-01-01T00:00")
    found = [moment for moment in next_times("cron(0/10 * * * ? *)", zone, after, 53_000) if moment < end]
    locals_ = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in found]
    assert found == sorted(found)
    assert locals_ == sorted(set(locals_))
    for moment in found[:: len(found) // 50]:
        assert next_times("cron(0/10 * * * ? *)", zone, moment - timedelta(microseconds=1)) == [moment]


def test_the_times_are_those_of_a_cron_library_away_from_these_nights(request):
    seed = request.config.getoption("randomly_seed", 1)
    starts = [datetime(2026 + number % 3, 1 + number, 5, tzinfo=UTC) for number in range(12)]
    counts = compare(seed, 100, starts, 20)
    assert counts.compared == counts.equal > 1_000


@pytest.mark.parametrize(
    ("when", "zone", "after"),
    [
        ("cron(0 0 31 2 ? *)", "Europe/Zurich", "1970-01-01T00:00"),
        ("cron(0 0 30W 2 ? *)", "Europe/Zurich", "1970-01-01T00:00"),
        ("cron(0-59 2 ? 3 1L *)", "Europe/Zurich", "1970-01-01T00:00"),
        ("cron(* * * * ? *)", "Europe/Zurich", "2026-12-01T23:58"),
        ("cron(* * * * ? 2199)", "America/New_York", "1970-01-01T00:00"),
        ("cron(59 23 29 2 ? 2196)", "UTC", "1970-01-01T00:00"),
    ],
)
def test_no_expression_takes_long(when, zone, after):
    """A loop over the minutes of 230 years would take minutes; this takes hundredths of a second."""
    start = time.process_time()
    next_times(when, zone, utc(after), 3)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("when", "zone", "sentence"),
    [
        ("cron(0 24 * * ? *)", "UTC", "its field 'hours' is '24'"),
        ("cron(0 3 * * * *)", "UTC", "Write '?' in exactly one of the two"),
        ("0 3 * * *", "UTC", "it isn't a cron expression"),
        ("rate(5 minute)", "UTC", "it isn't a cron expression"),
        ("at(2026-12-01T00:00:00)", "UTC", "it isn't a cron expression"),
        (
            "cron(0 3 * * ? *)",
            "Europe/Bern",
            "no time zone 'Europe/Bern'. Give a name such as 'Europe/Zurich'",
        ),
        ("cron(0 3 * * ? *)", "../etc/passwd", "no time zone"),
    ],
)
def test_what_is_no_schedule_is_a_value_error(when, zone, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011, the text is compared below
        next_times(when, zone, utc("2026-12-01T00:00"))
    assert sentence in str(refused.value)


def test_a_time_without_a_zone_is_a_value_error():
    naive = datetime(2026, 12, 1)  # noqa: DTZ001, what the test is about
    with pytest.raises(ValueError, match=r"has no time zone\. Give an aware datetime"):
        next_times("cron(0 3 * * ? *)", "UTC", naive)
    with pytest.raises(ValueError, match=r"has no time zone\. Give an aware datetime"):
        next_times("rate(5 minutes)", "UTC", utc("2026-12-01T00:00"), 1, naive)


def test_the_time_after_may_be_in_any_zone():
    after = datetime(2026, 12, 1, 12, 0, tzinfo=ZoneInfo("Asia/Kolkata"))
    assert written(next_times("cron(0 12 * * ? *)", "Asia/Kolkata", after)) == ["2026-12-02T06:30"]
    assert written(next_times("rate(1 hour)", "UTC", after)) == ["2026-12-01T07:30"]
    assert next_times("rate(1 hour)", "UTC", after)[0].tzinfo is UTC
