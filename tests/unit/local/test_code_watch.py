"""The project's code: what is looked at, and what has changed."""

import os
import threading
from pathlib import Path

import pytest

from django_offload.local.serve import code_watch
from django_offload.local.serve.code_watch import Code


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (
        "orders/tasks.py",
        "orders/templates/orders/mail.txt",
        "orders/notes.txt",
        "orders/__pycache__/tasks.py",
        ".git/hook.py",
        "node_modules/a/a.py",
        "env/lib/site.py",
        "lib/site-packages/b.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    return tmp_path


def test_modules_and_templates_are_looked_at_and_nothing_else(project: Path) -> None:
    code = Code([str(project), str(project / "orders")])

    assert len(code) == 2
    assert code.roots == [project]
    assert code.changed() == []


def test_what_is_written_added_and_removed_has_changed(project: Path) -> None:
    code = Code([str(project)])
    tasks, mail = project / "orders/tasks.py", project / "orders/templates/orders/mail.txt"

    os.utime(tasks, ns=(1, 1))
    assert code.changed() == [tasks]

    mail.unlink()
    (project / "new.py").touch()
    (project / "orders/notes.txt").write_text("more")
    assert code.changed() == [project / "new.py", mail]
    assert code.changed() == []


def test_a_home_directory_is_too_much(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_watch, "MOST_FILES", 1)

    assert Code([str(project)]).too_much
    assert not Code([str(project / "orders/templates")]).too_much


def test_watching_tells_of_changes_until_it_is_stopped(project: Path) -> None:
    code, stop, told = Code([str(project)]), threading.Event(), []

    def changed(found: list[Path]) -> None:
        told.append(found)
        stop.set()

    os.utime(project / "orders/tasks.py", ns=(1, 1))
    code.watch(stop, changed, every_seconds=0.001)

    assert told == [[project / "orders/tasks.py"]]
