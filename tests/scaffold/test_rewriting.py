"""The rewrite of single lines of code from Celery or Zappa."""

from collections.abc import Callable
from pathlib import Path

import pytest

from django_offload.deploy.scaffold.migrate_from import Report, report
from django_offload.stack.layout import Layout

ReportOn = Callable[..., Report]


@pytest.fixture
def report_on(tmp_path: Path) -> ReportOn:
    """Return a function that reports on a project with these files, given by their paths."""

    def report_on(origin: str, **files: str) -> Report:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return report(Layout(root=tmp_path, source=tmp_path, settings_module="x"), origin)

    return report_on


def lines(diff: str, sign: str = "+") -> list[str]:
    """Return the lines that a diff adds, or removes."""
    return [line[1:] for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)]


def note_texts(result: Report) -> list[str]:
    return [note.text for note in result.notes]


def test_zappas_decorator_is_found_under_every_name(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        a__tasks="from zappa.asynchronous import task as later\n\n\n@later\ndef f(): ...\n",
        b__tasks="import zappa.asynchronous\n\n\n@zappa.asynchronous.task(service='sns')\ndef g(): ...\n",
    )

    assert lines(result.diffs["a/tasks.py"]) == ["from django_offload import task", "@task"]
    assert lines(result.diffs["b/tasks.py"]) == ["from django_offload import task", "@task"]
    assert result.notes == []


def test_a_call_is_found_wherever_the_task_comes_from(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        a__tasks="from zappa.asynchronous import task\n\n\n@task\ndef f(n):\n    if n:\n        f(n - 1)\n",
        a__views="import a.tasks\nfrom . import tasks as t\nfrom .tasks import f as g\n\n"
        "a.tasks.f(1)\nt.f(2)\ng(3)\n",
        b="def f(n): ...\n\n\nf(1)\n",
    )

    assert lines(result.diffs["a/tasks.py"]) == [
        "from django_offload import task",
        "        f.enqueue(n - 1)",
    ]
    assert lines(result.diffs["a/views.py"]) == ["a.tasks.f.enqueue(1)", "t.f.enqueue(2)", "g.enqueue(3)"]
    assert "b.py" not in result.diffs


def test_zappas_run_becomes_a_call_of_the_task(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        a__views="from zappa.asynchronous import run\n\nfrom .work import f\n\n"
        "run(f, [1], kwargs={'b': 2})\n",
        a__work="def f(a, b): ...\n",
    )

    assert lines(result.diffs["a/views.py"]) == ["f.enqueue(*[1], **{'b': 2})"]
    assert lines(result.diffs["a/views.py"], "-")[0] == "from zappa.asynchronous import run"
    assert note_texts(result) == [
        "Make f a task: use @task of django_offload in the tasks module of its app."
    ]


def test_zappas_responses_become_results(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        views="from zappa.asynchronous import get_async_response\n\n\n"
        "def state(response):\n    return get_async_response(response.response_id)\n",
    )

    assert lines(result.diffs["views.py"]) == [
        "from django.tasks import default_task_backend",
        "    return default_task_backend.get_result(response.id)",
    ]


def test_a_task_outside_of_a_tasks_module_gets_a_note(report_on: ReportOn) -> None:
    (note,) = report_on(
        "celery", shop__jobs="from celery import shared_task\n\n\n@shared_task\ndef f(): ...\n"
    ).notes

    assert str(note) == (
        "shop/jobs.py:4: Workers import only the tasks module of each app. Move f there, or add "
        "\"modules\": ['shop.jobs'] to OPTIONS."
    )


def test_an_existing_name_is_not_reused(report_on: ReportOn) -> None:
    result = report_on(
        "celery",
        tasks="from celery import shared_task\n\nfrom shop.models import task\n\n\n"
        "@shared_task(queue='q')\ndef f():\n    return task\n",
    )

    assert lines(result.diffs["tasks.py"]) == [
        "from django_offload import task as offload_task",
        "@offload_task(queue_name='q')",
    ]


def test_a_change_inside_another_change_is_applied(report_on: ReportOn) -> None:
    result = report_on(
        "celery",
        tasks="from celery import shared_task\n\n\n@shared_task\ndef f(é): ...\n\n\n"
        "f.apply_async(args=['é', f.apply_async((1,))], kwargs=f.apply_async(countdown=9))\n",
    )

    assert lines(result.diffs["tasks.py"])[-1] == (
        "f.enqueue('é', f.enqueue(1), **f.using(run_after=timezone.now() + timedelta(seconds=9)).enqueue())"
    )


def test_a_block_whose_only_import_is_removed_gets_pass(report_on: ReportOn) -> None:
    result = report_on(
        "celery",
        views="from celery.utils.log import get_task_logger\n\n"
        "try:\n    from celery.result import AsyncResult\nexcept ImportError:\n    raise\n\n"
        "log = get_task_logger(__name__)\nlog.info(AsyncResult('1'))\n",
    )

    assert lines(result.diffs["views.py"]) == [
        "from django.tasks import default_task_backend",
        "import logging",
        "    pass",
        "log = logging.getLogger(__name__)",
        "log.info(default_task_backend.get_result('1'))",
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("", "@task"),
        ("(name='x', ignore_result=True)", "@task(name='x')"),
        ("(autoretry_for=(OSError,))", "@task(max_attempts=4, retry_on=(OSError,))"),
        (
            "(autoretry_for=[OSError], retry_kwargs={'max_retries': 2}, retry_backoff=5)",
            "@task(max_attempts=3, retry_on=[OSError], backoff=5)",
        ),
        (
            "(autoretry_for=E, max_retries=N, default_retry_delay=30)",
            "@task(max_attempts=N + 1, retry_on=E, backoff=lambda attempt: 30)",
        ),
        ("(soft_time_limit=20, time_limit=30)", "@task(timeout=20)"),
        ("(time_limit=30)", "@task(timeout=30)"),
    ],
)
def test_celerys_options_become_ours(report_on: ReportOn, theirs: str, ours: str) -> None:
    result = report_on(
        "celery", tasks=f"from celery import shared_task\n\n\n@shared_task{theirs}\ndef f(): ...\n"
    )

    assert lines(result.diffs["tasks.py"]) == ["from django_offload import task", ours]
    assert result.notes == []


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ("max_retries=None", "Choose max_attempts, at most 100"),
        ("max_retries=3", "Limit them with retry_on"),
        ("rate_limit='1/s', base=Base", "@task has no option for: base, rate_limit."),
    ],
)
def test_options_that_a_person_must_decide_get_a_note(report_on: ReportOn, options: str, note: str) -> None:
    result = report_on(
        "celery", tasks=f"from celery import shared_task\n\n\n@shared_task({options})\ndef f(): ...\n"
    )

    assert note in note_texts(result)[0]


def test_a_bound_tasks_first_argument_is_the_context(report_on: ReportOn) -> None:
    result = report_on(
        "celery",
        tasks="from celery import shared_task\n\n\n@shared_task(bind=True)\ndef f(self: object, x):\n"
        "    self.update_state(meta=self.request.id)\n    raise self.retry()\n",
    )

    assert lines(result.diffs["tasks.py"])[-4:] == [
        "@task(takes_context=True)",
        "def f(context: object, x):",
        "    context.update_state(meta=context.task_result.id)",
        "    raise context.retry()",
    ]
    assert note_texts(result) == [
        "Report progress with context.progress(done, total, message).",
        "Raise the exception itself. With max_attempts, backoff decides when to retry.",
    ]


def test_code_outside_of_the_project_is_not_read(report_on: ReportOn) -> None:
    code = "from celery import shared_task\n\n\n@shared_task\ndef f(): ...\n"

    result = report_on(
        "celery", **{"venv__tasks": code, "a__migrations__b": code, ".x__tasks": code, "old": "print 1"}
    )

    assert (result.diffs, result.notes, result.lines) == ({}, [], 0)
