"""
A developer at work beside `offload_local`: enqueues, edits a task, breaks it, repairs it, prints the results.

It runs as the command, in a copy of the small project. OUTPUT names the file with the terminal's output.
"""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

PATIENCE_SECONDS = 60
MODULE = Path("orders/tasks.py")


def main() -> None:
    django.setup()
    from orders.tasks import fetch, hold, send

    findings: dict[str, Any] = {}
    findings["spans"] = [ended(result).return_value for result in [hold.enqueue(1.0) for _ in range(3)]]

    running = hold.enqueue(4.0)
    eventually(lambda: refreshed(running).status == "RUNNING")
    change("mail of", "letter of", times=1)
    findings["after the change"] = ended(send.enqueue(1)).return_value
    ended(running)
    findings["meanwhile"] = [running.status, running.attempts]

    change("letter of", '"(', times=2)
    waiting = fetch.enqueue(2)
    eventually(lambda: "SyntaxError" in output())
    change('"(', "card of", times=3)
    findings["repaired"] = [
        ended(waiting).return_value,
        waiting.attempts,
        ended(send.enqueue(3)).return_value,
    ]
    print("FOUND", json.dumps(findings), flush=True)


def output() -> str:
    return Path(os.environ["OUTPUT"]).read_text()


def change(old: str, new: str, *, times: int) -> None:
    """Edit the module of the tasks, and wait until `times` changes were announced."""
    MODULE.write_text(MODULE.read_text().replace(old, new))
    eventually(lambda: len(re.findall(r"^Changed: .*\borders/tasks.py", output(), re.MULTILINE)) == times)


def refreshed(result: Any) -> Any:
    result.refresh()
    return result


def ended(result: Any) -> Any:
    eventually(lambda: refreshed(result).is_finished)
    return result


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the condition was false for too long")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
