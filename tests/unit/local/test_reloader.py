"""The project's source files, and how their changes are found."""

import os
import threading
from pathlib import Path

import pytest

from django_offload.local.serve import reloader
from django_offload.local.serve.reloader import SourceFiles


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


def test_only_modules_and_templates_are_watched(project: Path) -> None:
    files = SourceFiles([str(project), str(project / "orders")])

    assert len(files) == 2
    assert files.roots == [project]
    assert files.changes() == []


def test_written_added_and_removed_files_are_changes(project: Path) -> None:
    files = SourceFiles([str(project)])
    tasks, mail = project / "orders/tasks.py", project / "orders/templates/orders/mail.txt"

    os.utime(tasks, ns=(1, 1))
    assert files.changes() == [tasks]

    mail.unlink()
    (project / "new.py").touch()
    (project / "orders/notes.txt").write_text("more")
    assert files.changes() == [project / "new.py", mail]
    assert files.changes() == []


def test_a_home_directory_is_too_much(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloader, "FILE_LIMIT", 1)

    assert SourceFiles([str(project)]).too_many
    assert not SourceFiles([str(project / "orders/templates")]).too_many


def test_watching_reports_changes_until_it_is_stopped(project: Path) -> None:
    files, stop, announced = SourceFiles([str(project)]), threading.Event(), []

    def on_change(paths: list[Path]) -> None:
        announced.append(paths)
        stop.set()

    os.utime(project / "orders/tasks.py", ns=(1, 1))
    files.watch(stop, on_change, interval_seconds=0.001)

    assert announced == [[project / "orders/tasks.py"]]
