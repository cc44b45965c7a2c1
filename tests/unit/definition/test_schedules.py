"""@task(schedule=...) takes what cron() and every() make, and says what can't be."""

import pickle
from datetime import timedelta
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest

from django_offload import checks, cron, every, task
from django_offload.compat import TASKS, InvalidTask
from django_offload.conf import configured
from django_offload.definition import registry as registries
from django_offload.definition import schedules, task_modules
from django_offload.definition.registry import LISTING, Registry, listing_text
from django_offload.definition.schedule_option import Schedule
from django_offload.exceptions import ConfigurationError
from django_offload.stack import configured as stacks
from django_offload.stack import template_of
from tests.contract import scheduled_tasks
from tests.contract.setup import STACK, tasks_setting

DAILY = cron("0 3 * * *")


def work(number=1):
    """Do nothing. A task needs some function."""


def other_work():
    """Do nothing either."""


async def wait(context):
    """Wait for nothing."""


@pytest.fixture
def defines(monkeypatch, settings):
    """Return a function that sets TASKS and the tasks of the project, and returns the first alias."""
    settings.TASKS = tasks_setting(modules=[])

    def define(*tasks, **options):
        settings.TASKS = tasks_setting(modules=[], **options)
        if "record_at_enqueue" in options:
            del settings.TASKS["other"]  # LambdaBackend needs records.
        module = ModuleType("shop.tasks")
        for number, one in enumerate(tasks):
            setattr(module, f"task_{number}", one)
        for place in (schedules, stacks, task_modules):
            monkeypatch.setattr(place, "registry", lambda: Registry([module]))
        for place in (schedules, checks):
            monkeypatch.setattr(place, "registry_or_none", lambda: Registry([module]))
        return configured()["default"]

    return define


def problems():
    return [(message.id.removeprefix("django_offload."), message.msg) for message in checks.check_schedules()]


@pytest.mark.parametrize(
    ("made", "when"),
    [
        (every(minutes=15), "rate(15 minutes)"),
        (every(minutes=1), "rate(1 minute)"),
        (every(hours=1, minutes=30), "rate(90 minutes)"),
        (every(minutes=120), "rate(2 hours)"),
        (every(days=1), "rate(1 day)"),
        (every(weeks=2), "rate(14 days)"),
        (cron(" 0  3 * * * "), "cron(0 3 * * ? *)"),
    ],
)
def test_a_schedule_says_its_time_in_aws_words(made, when):
    assert made.when == when


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (every, r"every\(\) needs a period. Write every\(minutes=15\)"),
        (lambda: every(minutes=0), "needs a period"),
        (lambda: every(minutes=1.5), r"every\(minutes=1.5\) is no period. Give a whole number"),
        (lambda: every(hours=-1), r"every\(hours=-1\) is no period"),
        (lambda: every(days=True), r"every\(days=True\) is no period"),
        (lambda: every(minutes="15"), r"every\(minutes='15'\) is no period"),
        (lambda: every(weeks=10**9 - 1), "is too long"),
        (lambda: every(seconds=30), r"doesn't take seconds. It takes minutes, hours, days and weeks"),
        (lambda: cron(5), r"cron\(\): text is 5. Give text"),
        (lambda: cron("0 3 * * *", timezone=None), r"cron\(\): timezone is None. Give text"),
        (lambda: every(days=1, args="abc"), r"every\(\): args is 'abc'. Give a list"),
        (lambda: every(days=1, kwargs=[1]), r"every\(\): kwargs is \[1\]. Give a dictionary"),
        (lambda: every(days=1, overlap=None), r"every\(\): overlap is None. Give text"),
        (lambda: every(days=1, name=3), r"every\(\): name is 3. Give text"),
        (lambda: task(schedule="0 3 * * *")(work), r"schedule is '0 3 \* \* \*'. Write schedule=cron"),
        (lambda: task(schedule=DAILY)(work).using(schedule=DAILY), None),
    ],
)
def test_another_type_is_refused_where_the_task_is_defined(make, problem):
    with pytest.raises(InvalidTask if problem else TypeError, match=problem or "doesn't take schedule"):
        make()


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (cron("0 3 1 * MON"), "'0 3 1 * MON' can't be used: "),
        (cron("0 3 * *"), "'0 3 * *' can't be used: "),
        (cron(""), "'' can't be used: "),
        (cron("0 3 * * *", timezone="Europe/Zurch"), "schedule['timezone'] is 'Europe/Zurch'."),
        (every(days=1, overlap="skipp"), "schedule['overlap'] is 'skipp'."),
        (every(days=1, args=[{1}]), "is a set"),
        (every(days=1, kwargs={"number": float("nan")}), "'kwargs'"),
        (every(days=1, args=["x" * 20_000]), "has arguments of 20,"),
        (every(days=1, name="every day"), "schedule has an invalid name."),
        (every(days=1, name="x" * 49), "schedule has an invalid name."),
    ],
)
def test_what_aws_cannot_do_is_a_check_and_stops_a_template(defines, schedule, problem):
    options = defines(task(schedule=schedule)(work))

    found = [text for check, text in problems() if check == "E041"]
    assert len(found) == 1
    assert found[0].startswith(f"TASKS['default']: {__name__}.work: schedule")
    assert problem.strip("'") in found[0]
    assert schedules.schedules_of(options) == {}
    with pytest.raises(ConfigurationError, match="schedule"):
        template_of(STACK)


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (task(schedule=DAILY)(work), "work"),
        (task(schedule=DAILY, name="shop.nightly")(work), "shop-nightly"),
        (task(schedule=cron("0 3 * * *", name="Night_1"))(work), "Night_1"),
    ],
)
def test_a_schedule_is_called_as_its_task_unless_it_has_a_name(defines, one, name):
    options = defines(one)

    assert list(schedules.schedules_of(options)) == [name]
    assert schedules.schedule_of(options, name) == schedules.schedules_of(options)[name]
    assert problems() == []


@pytest.mark.parametrize("name", ["Blätter senden", "x" * 49, "a:b", "a/b"])
def test_a_task_whose_name_cannot_be_a_schedules_needs_a_name(defines, name):
    defines(task(schedule=DAILY, name=name)(work))

    ((check, text),) = problems()
    assert check == "E041"
    assert "has an invalid name" in text


def test_arguments_that_the_task_does_not_take_are_a_check_for_both_kinds(defines):
    defines(
        task(schedule=every(days=1, args=[1, 2]))(work),
        schedules={"weekly": {"task": f"{__name__}.work", "when": "rate(7 days)", "args": [1, 2]}},
    )

    found = problems()
    assert [check for check, _ in found] == ["E014"] * 3  # TASKS has "weekly" in two aliases.
    assert "OPTIONS['schedules']['weekly'] can't be enqueued" in found[0][1]
    assert f"{__name__}.work: schedule can't be enqueued: too many positional arguments" in found[1][1]


def test_a_task_that_takes_its_context_needs_no_argument_for_it(defines):
    defines(task(schedule=DAILY, takes_context=True)(wait))

    assert problems() == []


def test_two_schedules_of_one_name_are_a_check(defines):
    defines(
        task(schedule=cron("0 3 * * *", name="night"))(work),
        task(schedule=cron("0 4 * * *", name="night"))(other_work),
    )
    assert problems() == [
        (
            "E042",
            f"TASKS['default']: {__name__}.other_work: schedule is called 'night', and so is "
            f"{__name__}.work: schedule.",
        ),
    ]
    with pytest.raises(ConfigurationError, match="is called 'night', and so is"):
        template_of(STACK)

    defines(
        task(schedule=DAILY)(work), schedules={"work": {"task": f"{__name__}.work", "when": "rate(1 day)"}}
    )
    assert [check for check, _ in problems()] == ["E042"]


def test_an_overlap_that_nothing_can_tell_is_a_check(defines):
    skipping = every(days=1, overlap="skip")
    defines(task(schedule=skipping)(work), record_at_enqueue=False)
    assert [check for check, _ in problems()] == ["E043"]

    defines(task(schedule=skipping, unique=True)(work))
    assert [check for check, _ in problems()] == ["E043"]

    daily = {"task": f"{__name__}.work", "when": "rate(1 day)", "overlap": "skip"}
    defines(task()(work), record_at_enqueue=False, schedules={"daily": daily})
    assert {check for check, _ in problems()} == {"E043"}


def test_a_function_may_be_decorated_for_two_aliases(defines):
    first = task(schedule=cron("0 3 * * *", name="here"))(work)
    second = task(schedule=cron("0 3 * * *", name="there"), backend="other")(work)
    defines(first, second, second)

    assert {alias: list(schedules.schedules_of(options)) for alias, options in configured().items()} == {
        "default": ["here"],
        "other": ["there"],
    }
    assert problems() == []
    template = template_of(STACK)
    assert template.count("Type: AWS::Scheduler::Schedule\n") == 2


def test_two_aliases_of_a_stack_cannot_share_a_name(defines):
    defines(task(schedule=DAILY)(work), task(schedule=DAILY, backend="other")(work))

    with pytest.raises(ConfigurationError, match="A schedule is called 'work', and so is one of another"):
        template_of(STACK)
    assert [message.id for message in checks.check_stacks()] == ["django_offload.E009"]


def test_a_copy_has_no_schedule_of_its_own(defines):
    original = task(schedule=DAILY)(work)
    options = defines(original, original.using(queue_name="reports"), original.using(backend="other"))

    assert original.using(queue_name="reports").schedule is None
    assert list(schedules.schedules_of(options)) == ["work"]
    assert schedules.schedules_of(configured()["other"]) == {}


def test_a_schedule_can_be_hashed_and_pickled():
    one = scheduled_tasks.nightly

    assert hash(one) == hash(scheduled_tasks.nightly)
    assert pickle.loads(pickle.dumps(one)).schedule == one.schedule  # noqa: S301, it is our own
    assert isinstance(one.schedule, Schedule)


@pytest.mark.parametrize("backend", ["dummy.DummyBackend", "immediate.ImmediateBackend"])
def test_other_backends_accept_and_ignore_a_schedule(settings, backend):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.{backend}", "OPTIONS": {}}}
    scheduled_tasks.ran.clear()

    scheduled_tasks.nightly.enqueue(3)

    assert scheduled_tasks.ran == ([3] if "immediate" in backend else [])
    assert checks.check_schedules() == []


def test_a_package_imports_only_the_module_of_a_schedule(settings, monkeypatch, tmp_path):
    """So that a broken module stops no occurrence of another one's task."""
    settings.TASKS = tasks_setting(modules=["tests.contract.scheduled_tasks"])
    (tmp_path / LISTING).write_text(listing_text())
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.setattr(registries, "declared_modules", lambda: 1 / 0)
    registries.registry.cache_clear()
    try:
        options = configured()["default"]
        found = schedules.schedule_of(options, "sync")
        assert found is not None
        assert found.task == "tests.contract.scheduled_tasks.sync_orders"
        assert schedules.schedule_of(options, "hourly") is None
    finally:
        registries.registry.cache_clear()


def test_a_package_without_schedules_lists_none(settings):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"])

    assert '"schedules"' not in listing_text()


@pytest.mark.django_db
def test_a_pause_changes_nothing_in_the_template(settings, offload):
    from django_offload.operations.schedules import pause

    settings.TASKS = tasks_setting(modules=["tests.contract.scheduled_tasks"])
    before = template_of(STACK)
    pause(configured()["default"], "nightly")

    assert template_of(STACK) == before
    assert "cron(0 3 * * ? *)" in before
    assert "Europe/Zurich" in before


@pytest.mark.parametrize(
    ("make", "unknown"),
    [
        (lambda: cron("0 3 * * *", "Europe/Zurich"), "'Europe/Zurich'"),
        (lambda: cron(hour=3, minute=0), "hour, minute"),
        (lambda: cron("0 3 * * *", tz="UTC"), "tz"),
        (lambda: every(timedelta(minutes=5)), "seconds=300"),
        (lambda: every(seconds=5), "seconds"),
    ],
)
def test_arguments_of_other_schedulers_are_refused_with_what_to_write(make, unknown):
    with pytest.raises(InvalidTask) as refused:
        make()

    assert unknown in str(refused.value)
    assert "() doesn't take " in str(refused.value)
    assert 'Write schedule=cron("0 3 * * *", timezone="Europe/Zurich")' in str(refused.value)


def test_a_zone_may_be_given_as_a_zoneinfo():
    assert cron("0 3 * * *", timezone=ZoneInfo("Europe/Zurich")) == cron(
        "0 3 * * *", timezone="Europe/Zurich"
    )
