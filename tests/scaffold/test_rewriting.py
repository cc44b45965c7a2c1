"""The rewrite of single lines of code from Zappa, and which files are read."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from django_offload.deploy.scaffold.migrate_from import ORIGINS, Report, report
from django_offload.deploy.scaffold.migrate_from.report import Watch
from django_offload.deploy.scaffold.migrate_from.source import LARGEST_FILE
from django_offload.stack.layout import Layout

ReportOn = Callable[..., Report]


@pytest.fixture
def report_on(tmp_path: Path) -> ReportOn:
    """Return a function that reports on a project with these files, given by their paths."""

    def report_on(origin: str, watch: Watch = lambda done, total, name: None, **files: str) -> Report:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return report(Layout(root=tmp_path, source=tmp_path, settings_module="x"), origin, watch=watch)

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
        "zappa", shop__jobs="from zappa.asynchronous import task\n\n\n@task\ndef f(): ...\n"
    ).notes

    assert str(note) == (
        "shop/jobs.py:4: Workers import only the tasks module of each app. Move f there, or add "
        "\"modules\": ['shop.jobs'] to OPTIONS."
    )


def test_an_existing_name_is_not_reused(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        tasks="from zappa import asynchronous\n\nfrom shop.models import task\n\n\n"
        "@asynchronous.task\ndef f():\n    return task\n",
    )

    assert lines(result.diffs["tasks.py"]) == [
        "from django_offload import task as offload_task",
        "@offload_task",
    ]


def test_a_change_inside_another_change_is_applied(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        tasks="from zappa.asynchronous import run, task\n\n\n@task\ndef f(é): ...\n\n\nrun(f, ['é', f(1)])\n",
    )

    assert lines(result.diffs["tasks.py"])[-1] == "f.enqueue(*['é', f.enqueue(1)])"


def test_a_block_whose_only_import_is_removed_gets_pass(report_on: ReportOn) -> None:
    result = report_on(
        "zappa",
        views="import os\n\n"
        "try:\n    from zappa.asynchronous import get_async_response\nexcept ImportError:\n    raise\n"
        "try:\n    from zappa.asynchronous import run\nexcept ImportError:\n    raise\n\n"
        "run(os.stat, get_async_response('1'))\n",
    )

    assert lines(result.diffs["views.py"]) == [
        "    pass",
        "    from django.tasks import default_task_backend",
        "os.stat.enqueue(*default_task_backend.get_result('1'))",
    ]


def test_a_form_feed_and_the_ends_of_lines_stay_as_they_are(report_on: ReportOn) -> None:
    code = (
        "import os\r\nfrom zappa.asynchronous import task\r\n\x0c\r\n@task\r\ndef f():\r\n    return os\r\n"
    )

    result = report_on("zappa", tasks=code)

    assert "\n+from django_offload import task\r\n" in result.diffs["tasks.py"]
    assert len(lines(result.diffs["tasks.py"])) == 1
    assert " \x0c\r\n" in result.diffs["tasks.py"]


def test_modules_beside_the_source_folder_are_read_too(tmp_path: Path) -> None:
    code = "from zappa.asynchronous import task\n\n\n@task\ndef f(): ...\n"
    for name in ("src/a/tasks.py", "tests/tasks.py", "a/tasks.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)

    result = report(Layout(root=tmp_path, source=tmp_path / "src", settings_module="x"), "zappa")

    assert sorted(result.diffs) == ["a/tasks.py", "tests/tasks.py"]
    assert [str(note) for note in result.unread] == [
        "src/a/tasks.py:0: has the same module name as a/tasks.py"
    ]


def test_migrations_are_read_too(report_on: ReportOn) -> None:
    code = "from zappa.asynchronous import task\n\n\n@task\ndef f(): ...\n"

    result = report_on("zappa", a__migrations__tasks=code)

    assert list(result.diffs) == ["a/migrations/tasks.py"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_what_cannot_be_read_is_named_with_a_reason(report_on: ReportOn, tmp_path: Path, origin: str) -> None:
    (tmp_path / "binary.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "latin.py").write_bytes("é = 1\n".encode("latin-1"))
    (tmp_path / "late.py").write_bytes(b"x = 1\n" * 3 + "é = 1\n".encode("latin-1"))
    (tmp_path / "coding.py").write_text("# coding: nothing\n")
    (tmp_path / "huge.py").write_bytes(b"#" * (LARGEST_FILE + 1))
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "two").mkdir()
    (tmp_path / "two.py").write_text("")
    (tmp_path / "two" / "__init__.py").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pyvenv.cfg").write_text("")

    result = report_on(
        origin,
        python2="print 1\n",
        template="x = {{ name }}{% if %}\n",
        deep=f"x = {'-' * 100_000}1\n",
        **{"env__a": "x = 1\n", "mine__a": "x = 1\n", ".hidden__a": "x", "node_modules__a": "x = 1\n"},
    )

    reasons = {note.path: note.text for note in result.unread}
    assert reasons.pop("python2.py").startswith("can't be parsed (line 1: Missing parentheses")
    assert reasons.pop("template.py").startswith("can't be parsed (line 1: ")
    deep = reasons.pop("deep.py")
    assert deep == "is nested too deeply" or deep.startswith("can't be parsed")
    assert reasons == {
        "binary.py": "is not text",
        "env": "usually holds no code of a project",
        "gone.py": "can't be read (No such file or directory)",
        "huge.py": "is larger than 1,000,000 bytes",
        "latin.py": "is not text in UTF-8, or names an unknown encoding",
        "coding.py": "is not text in UTF-8, or names an unknown encoding",
        "late.py": "is not text in utf-8",
        "mine": "usually holds no code of a project",
        "two.py": "is hidden by the package of the same name",
    }
    assert (result.diffs, result.notes) == ({}, [])


@pytest.mark.parametrize("origin", ORIGINS)
def test_700_files_are_parsed_once_each_and_shown_one_by_one(
    report_on: ReportOn, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from celery import shared_task\nfrom zappa.asynchronous import task\n\n\n"
        "@shared_task\ndef f(x: int): ...\n\n\n"
        "@task\ndef g(x: int): ...\n\n\nf.delay(1)\n"
    )
    files = {f"a{number}__tasks": code if number < 20 else "x = 1\n" for number in range(700)}
    parses: list[str] = []
    shown: list[tuple[int, int | None, str]] = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda text, *args: parses.append(text) or parse(text, *args))

    result = report_on(origin, watch=lambda *state: shown.append(state), **files)

    assert (result.files, len(result.diffs)) == (700, 20)
    # A changed module is parsed again for its imports, and with Zappa until nothing changes any more.
    assert len(parses) <= 700 + (20 if origin == "celery" else 700 + 3 * 20)
    assert [done for done, total, _ in shown if total is None] == list(range(1, 701))
    assert [done for done, total, _ in shown if total == 700] == list(
        range(1, 701) if origin == "celery" else []
    )
    assert shown[0] == (1, None, "a0/tasks.py")
