"""Somebody follows the first lesson of the tutorial, to the letter, in an empty folder."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, NamedTuple

from tests.scaffold import tutorial
from tests.scaffold.environment import Environment
from tests.scaffold.site import PATIENCE_SECONDS, Site, site

PAUSE = "time.sleep(0.5)"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Folder(NamedTuple):
    """The folder that the lesson begins in."""

    root: Path
    environment: Environment

    @property
    def source(self) -> Path:
        return self.root

    def run(self, command: str) -> str:
        return self.environment.run(command, self.root)

    def run_elsewhere(self, command: str, task_id: str) -> str:
        """Run a command in the second terminal, which finds the local AWS by itself."""
        return self.run(command.replace("ID", task_id))


class Reader:
    """The reader's browser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def press(self) -> tuple[str, str]:
        """Press the button, and return the id of the task, and the page that it leads to."""
        token = TOKEN.search(self.open("/")[1])
        assert token
        url, page = self.open("/start/", f"csrfmiddlewaretoken={token[1]}".encode())
        return url.rstrip("/").rpartition("/")[2], page

    def open(self, path: str, form: bytes | None = None) -> tuple[str, str]:
        """Return the address and the text of a page. While Django reloads changed code, try again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self._opener.open(self.url + path, form, timeout=30) as answer:
                    return answer.url, answer.read().decode()
            except urllib.error.HTTPError:
                raise
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def follow(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status: dict[str, Any] = json.loads(self.open(f"/tasks/{task_id}/")[1])
            if status["finished_at"]:
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.1)


def test_the_first_lesson_leads_where_it_says(
    environment: Callable[[str], Environment], tmp_path: Path
) -> None:
    folder = Folder(tmp_path, environment("3.13"))
    *steps, serve, show, find, _, redrive = tutorial.commands()
    assert serve == "python manage.py offload_local"
    *files, (_, _, mistake) = tutorial.files()
    assert PAUSE in files[1][2]

    for command in steps[:3]:
        folder.run(command)
    for name, how, text in files:
        tutorial.write(tmp_path, name, how, text.replace(PAUSE, "time.sleep(0.02)"))
    for command in steps[3:]:
        said = folder.run(command)
    assert "System check identified no issues" in said

    with site(folder, serve) as running:  # type: ignore[arg-type]
        reader = Reader(running.url)
        task_id, page = reader.press()
        status = reader.follow(task_id)
        (expected,) = map(json.loads, tutorial.blocks("json"))
        assert {key: status[key] for key in expected} == expected
        assert "Your report" in page
        assert "7800" in folder.run_elsewhere(show, task_id)
        fail_and_mend(folder, reader, running, mistake, (find, redrive))


def fail_and_mend(
    folder: Folder, reader: Reader, running: Site, mistake: str, commands: tuple[str, str]
) -> None:
    """Do what the seventh step says."""
    tasks = folder.root / "reports" / "tasks.py"
    right = tasks.read_text()
    change(running, lambda: tutorial.write(folder.root, "reports/tasks.py", tutorial.LAST_LINE, mistake))
    task_id, _ = reader.press()
    failed = reader.follow(task_id)
    assert (failed["status"], failed["attempts"]) == ("FAILED", 3)
    find, redrive = commands
    assert task_id in folder.run_elsewhere(find, "")
    change(running, lambda: tasks.write_text(right))
    folder.run_elsewhere(redrive, task_id)
    assert reader.follow(task_id)["status"] == "SUCCESSFUL"


def change(running: Site, what: Callable[[], object]) -> None:
    """Change the code, and wait until the workers have noticed."""
    before = running.said.count("Changed: ")
    what()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running.said.count("Changed: ") == before:
        assert time.monotonic() < deadline, running.said
        time.sleep(0.1)
