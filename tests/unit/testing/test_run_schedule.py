"""What `offload.run_schedule()` promises: an occurrence as the sweeper enqueues it, at any time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.test import TransactionTestCase, override_settings

from django_offload.conf import configured
from django_offload.operations.schedules import UnknownSchedule, pause, resume, schedule_states
from django_offload.testing import OffloadTestMixin
from tests.contract.setup import tasks_setting

DOUBLE = "tests.unit.tasks.double"
LONG_AGO = datetime(2019, 3, 31, 1, 30, tzinfo=UTC)
SCHEDULES = {
    "nightly": {"task": DOUBLE, "when": "cron(0 3 * * ? *)", "timezone": "Europe/Zurich", "args": [4]},
    "careful": {"task": DOUBLE, "when": "rate(15 minutes)", "args": [5], "overlap": "skip"},
}


@pytest.fixture(params=["offload", "offload_aws"])
def site(request, settings, transactional_db):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], schedules=SCHEDULES)
    del settings.TASKS["other"]["OPTIONS"]["schedules"]
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("at", [None, LONG_AGO, LONG_AGO.replace(year=2098)], ids=["now", "past", "future"])
def test_an_occurrence_at_any_time_is_enqueued_and_runs(site, at):
    result = site.run_schedule("nightly", at=at)

    assert (result.status, result.task.name, list(result.args)) == ("READY", "double", [4])
    site.run()
    result.refresh()
    assert result.return_value == 8
    seen = {state.name: state for state in schedule_states()}["nightly"]
    assert seen.last_id == result.id
    assert at is None or seen.last_at == at


def test_told_twice_is_one_task(site):
    first = site.run_schedule("nightly", at=LONG_AGO)
    site.run()

    again, other = (site.run_schedule("nightly", at=LONG_AGO + timedelta(hours=n)) for n in (0, 1))

    assert (again.id, again.status) == (first.id, "SUCCESSFUL")
    assert other.id != first.id
    # A message that was sent again finds its task ended, and the other one runs.
    site.run()
    other.refresh()
    assert other.return_value == 8


def test_a_paused_schedule_enqueues_nothing_until_it_is_resumed(site):
    options = configured()["default"]
    pause(options, "nightly")

    assert site.run_schedule("nightly") is None
    assert site.run() == 0

    resume(options, "nightly")
    assert site.run_schedule("nightly") is not None
    assert site.run() == 1


def test_an_occurrence_is_skipped_while_the_task_of_the_last_one_lives(site):
    first = site.run_schedule("careful", at=LONG_AGO)

    assert site.run_schedule("careful", at=LONG_AGO + timedelta(minutes=15)) is None

    site.run()
    first.refresh()
    assert first.return_value == 10
    third = site.run_schedule("careful", at=LONG_AGO + timedelta(minutes=30))
    assert third.id != first.id
    assert site.run() == 1


@pytest.fixture
def memory(settings, offload):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], in_tests="memory", schedules=SCHEDULES)
    settings.TIME_ZONE = "Asia/Tokyo"
    with type(offload)().active() as own:
        yield own


def test_a_naive_time_is_in_the_zone_of_the_project(memory):
    naive = memory.run_schedule("nightly", at=datetime(2026, 3, 29, 3, 0), alias="default")
    aware = memory.run_schedule(
        "nightly", at=datetime(2026, 3, 29, 3, 0, tzinfo=ZoneInfo("Asia/Tokyo")), alias="default"
    )

    assert naive.id == aware.id
    seen = {(state.alias, state.name): state for state in schedule_states()}["default", "nightly"]
    assert seen.last_at == datetime(2026, 3, 28, 18, 0, tzinfo=UTC)


def test_a_name_of_two_aliases_needs_the_alias(memory):
    with pytest.raises(
        ValueError, match=r"The aliases default and other have a schedule 'nightly'.*alias='default'"
    ):
        memory.run_schedule("nightly")
    with pytest.raises(ValueError, match=r"TASKS has no alias 'elsewhere'.*Choose one of default, other"):
        memory.run_schedule("nightly", alias="elsewhere")


def test_an_unknown_name_is_answered_with_names_that_are_like_it(memory):
    with pytest.raises(UnknownSchedule, match=r"There is no schedule 'nigtly'\. Did you mean nightly\?"):
        memory.run_schedule("nigtly")


@pytest.mark.parametrize("at", ["2026-03-29 03:00", datetime(2026, 3, 29).date(), 5])
def test_a_time_that_is_none_is_refused(memory, at):
    with pytest.raises(
        TypeError, match=r"at is .*\. Give a datetime, such as datetime\(2026, 3, 29, 3, 0\)\."
    ):
        memory.run_schedule("nightly", at=at, alias="default")


@pytest.mark.parametrize(
    "at", [datetime.min, datetime.max, datetime(1970, 1, 1), datetime(9001, 1, 1, tzinfo=UTC)]
)
def test_a_time_that_no_record_can_have_is_refused(memory, at):
    with pytest.raises(ValueError, match=r"at is .*\. Give a time between the years 1971 and 9000\."):
        memory.run_schedule("nightly", at=at, alias="default")


@override_settings(TASKS=tasks_setting(modules=["tests.unit.tasks"], schedules=SCHEDULES))
class OfTheMixin(OffloadTestMixin, TransactionTestCase):
    """A test of unittest, as a project writes it."""

    def test_a_schedule_runs(self):
        result = self.offload.run_schedule("nightly", at=LONG_AGO, alias="default")
        self.offload.run()
        result.refresh()
        self.assertEqual(result.return_value, 8)


def test_in_an_event_loop_it_says_how(memory):
    async def run():
        with pytest.raises(SynchronousOnlyOperation, match=r"`await sync_to_async\(offload\.run_schedule\)"):
            memory.run_schedule("nightly", alias="default")

    async_to_sync(run)()
