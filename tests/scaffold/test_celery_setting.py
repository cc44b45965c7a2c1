"""The TASKS setting that offload_init --from celery prints, with the queues and schedules of the code."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from django_offload.conf import Options
from django_offload.conf.validation import find_problems
from django_offload.deploy.scaffold.migrate_from import Report, report
from django_offload.deploy.scaffold.migrate_from.celery import schedules
from django_offload.stack.layout import Layout
from tests.scaffold.celery_corpus import CASES, Case
from tests.scaffold.environment import Environment

TASKS = """from celery import shared_task


@shared_task(queue="slow")
def clean(days):
    return days.total


@shared_task(name="old.fee", queue="high.priority")
def fee(order):
    return order.total
"""


def report_on(folder: Path, **files: str) -> Report:
    for name, text in {"orders__tasks": TASKS, **files}.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    layout = Layout(root=folder, source=folder, settings_module="my_shop.settings")
    return report(layout, "celery", app_names=["orders"])


def setting(result: Report) -> dict[str, Any]:
    """Return TASKS["default"] as the printed code defines it, which must be valid."""
    (assignment,) = ast.parse(result.setting).body
    assert isinstance(assignment, ast.Assign)
    assert ast.unparse(assignment.targets[0]) == "TASKS"
    value: dict[str, Any] = ast.literal_eval(assignment.value)["default"]
    assert list(find_problems(value)) == []
    assert Options.parse("default", value).queues.keys() == set(value["QUEUES"])
    assert value == result.tasks["default"]
    return value


def problems(result: Report) -> list[str]:
    assert result.findings is not None
    return [
        f"{place.path}:{place.line}"
        for idiom, places in result.findings.decisions.items()
        for place in places
        if place.use in {"schedule", "schedule options"}
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_setting_is_valid_whatever_the_code_is(case: Case, tmp_path: Path) -> None:
    files = {path.removesuffix(".py").replace("/", "__"): text for path, text in case.files.items()}

    setting(report_on(tmp_path, **{name: text for name, text in files.items() if name != "Procfile"}))


def test_queues_come_from_tasks_calls_routes_and_settings(tmp_path: Path) -> None:
    value = setting(
        report_on(
            tmp_path,
            orders__views="from .tasks import fee\n\nMAIL = 'mail'\nfee.apply_async((1,), queue=MAIL)\n",
            shop__settings="from kombu import Queue\n\n"
            "CELERY_TASK_ROUTES = {'a.*': 'routed', 'b': {'queue': 'by_key'}}\n"
            "CELERY_TASK_QUEUES = (Queue('first'), Queue(name='celery'))\n",
        )
    )

    assert value["QUEUES"] == ["default", "by_key", "first", "high-priority", "mail", "routed", "slow"]
    assert value["OPTIONS"]["queues"]["slow"] == {"timeout": 900}
    assert value["OPTIONS"]["stack"] == "my-shop-dev"


def test_modules_besides_tasks_are_named(tmp_path: Path) -> None:
    jobs = "from celery import shared_task\n\n\n@shared_task\ndef f(): ...\n"

    value = setting(report_on(tmp_path, orders__jobs=jobs, elsewhere__tasks=jobs))

    assert value["OPTIONS"]["modules"] == ["elsewhere.tasks", "orders.jobs"]


def test_schedules_come_from_settings_the_app_and_calls(tmp_path: Path) -> None:
    result = report_on(
        tmp_path,
        shop__settings="""from datetime import timedelta
from celery.schedules import crontab

TIME_ZONE = "Europe/Zurich"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "clean every night!": {
        "task": "orders.tasks.clean",
        "schedule": crontab(hour=3, minute=30, day_of_week="mon-fri"),
        "args": (7,),
    },
    "fees": {"task": "old.fee", "schedule": timedelta(hours=2), "kwargs": {"order": 1}},
    "built in": {"task": "celery.backend_cleanup", "schedule": 60},
    "often": {"task": "old.fee", "schedule": 10},
    "both days": {"task": "old.fee", "schedule": crontab(day_of_week=1, day_of_month=1)},
    "unknown": {"task": "old.fee", "schedule": crontab(hour=HOUR)},
    "dates": {"task": "old.fee", "schedule": 60, "args": [object()]},
    "routed": {"task": "old.fee", "schedule": 60, "options": {"queue": "beat"}},
}
""",
        shop__celery="""from celery import Celery
from orders.tasks import clean, fee

app = Celery("shop")
app.conf.beat_schedule["one more"] = {"task": "old.fee", "schedule": 24 * 60 * 60}

@app.on_after_configure.connect
def setup(sender, **kwargs):
    sender.add_periodic_task(600.0, clean.s(3), name="clean")
    app.add_periodic_task(120, fee.s(order=4))
    app.add_periodic_task(PERIOD, fee.s())
""",
    )

    value = setting(result)["OPTIONS"]["schedules"]

    assert value == {
        "clean-every-night": {
            "task": "orders.tasks.clean",
            "when": "cron(30 3 ? * MON,TUE,WED,THU,FRI *)",
            "timezone": "Europe/Zurich",
            "args": [7],
        },
        "fees": {"task": "old.fee", "when": "rate(2 hours)", "kwargs": {"order": 1}},
        "routed": {"task": "old.fee", "when": "rate(1 minute)"},
        "one-more": {"task": "old.fee", "when": "rate(1 day)"},
        "clean": {"task": "orders.tasks.clean", "when": "rate(10 minutes)", "args": [3]},
        "old-fee": {"task": "old.fee", "when": "rate(2 minutes)", "kwargs": {"order": 4}},
    }
    assert problems(result) == [
        *("shop/celery.py:11", "shop/settings.py:13", "shop/settings.py:14", "shop/settings.py:15"),
        *("shop/settings.py:16", "shop/settings.py:17", "shop/settings.py:18"),
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("59", None),
        ("90.0", None),
        ("True", None),
        ("timedelta(days=1, hours=1)", "rate(25 hours)"),
        ("timedelta(0, 300)", "rate(5 minutes)"),
        ("timedelta(seconds=1)", None),
        ("timedelta(seconds=soon)", None),
        ("schedule(run_every=60)", "rate(1 minute)"),
        ("solar('sunset', 1, 2)", None),
        ("60 * 60 * 24 * 7", "rate(7 days)"),
        ("10_000 * 86_400", None),
        ("crontab()", "cron(* * * * ? *)"),
        ("crontab(0, 3)", "cron(0 3 * * ? *)"),
        ("crontab.from_string('*/30 3 * * 1-5')", "cron(0,30 3 ? * MON,TUE,WED,THU,FRI *)"),
        ("crontab.from_string('0 3 * *')", None),
        ("crontab.from_string('0 3 1 * 1')", None),
        ("crontab(minute='7/2')", None),
        ("crontab(day_of_week=7)", None),
        ("crontab(minute=0, hour=0, day_of_month='1', month_of_year='*/3')", "cron(0 0 1 1,4,7,10 ? *)"),
    ],
)
def test_times_are_written_as_aws_does(theirs: str, ours: str | None) -> None:
    node = ast.parse(theirs, mode="eval").body

    assert schedules.when(node, {}) == ours


SPECIFICATIONS = {
    "minute": ["*", "*/15", "*/7", "0", "5,10", "1-9/2", "50-10", "59", "60", "x", "", "*/0", "1-", "7/2"],
    "hour": ["*", "*/3", "0,12", "22-2", "24"],
    "day_of_week": ["*", "mon", "mon-fri", "fri-mon", "0", "6", "7", "sat,sun", "*/2", "sunday"],
    "day_of_month": ["*", "*/2", "1-7,15-21", "31", "32", "0"],
    "month_of_year": ["*", "*/3", "2-12/2", "jan", "jan-mar", "13"],
}


def test_crontabs_mean_what_they_mean_for_celery(tmp_path: Path, elsewhere: Environment) -> None:
    (tmp_path / "theirs.py").write_text(
        "import json, sys\n"
        "from celery.schedules import crontab\n"
        "def read(name, text):\n"
        "    try:\n"
        "        return sorted(getattr(crontab(**{name: text}), name))\n"
        "    except Exception:\n"
        "        return None\n"
        "specifications = json.load(open('specs.json'))\n"
        "print(json.dumps({n: [read(n, t) for t in ts] for n, ts in specifications.items()}))\n"
    )
    (tmp_path / "specs.json").write_text(json.dumps(SPECIFICATIONS))
    theirs = json.loads(elsewhere.run("python theirs.py", tmp_path))

    for name, texts in SPECIFICATIONS.items():
        ours = [numbers(schedules.cron_field(name, text), name) for text in texts]
        assert list(zip(texts, ours, strict=True)) == list(zip(texts, theirs[name], strict=True))


def numbers(field: str | None, name: str) -> list[int] | None:
    """Return the numbers that a field of AWS's cron means, counted as Celery does."""
    if field is None:
        return None
    if field == "*":
        return list(schedules._RANGES[name])
    days = {day: number for number, day in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
    return [days[part] if part in days else int(part) for part in field.split(",")]
