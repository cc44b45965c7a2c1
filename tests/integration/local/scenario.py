"""
Somebody at work beside `offload_local`: enqueues, edits a task, breaks it, mends it; prints what came of it.

Run as its command, in a copy of the small project; SAID names the file with what the terminal shows.
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

    found: dict[str, Any] = {}
    found["spans"] = [ended(result).return_value for result in [hold.enqueue(1.0) for _ in range(3)]]

    running = hold.enqueue(4.0)
    eventually(lambda: refreshed(running).status == "RUNNING")
    change("mail of", "letter of", times=1)
    found["after the change"] = ended(send.enqueue(1)).return_value
    ended(running)
    found["meanwhile"] = [running.status, running.attempts]

    change("letter of", '"(', times=2)
    waiting = fetch.enqueue(2)
    eventually(lambda: "SyntaxError" in said())
    change('"(', "card of", times=3)
    found["mended"] = [ended(waiting).return_value, waiting.attempts, ended(send.enqueue(3)).return_value]
    print("FOUND", json.dumps(found), flush=True)


def said() -> str:
    return Path(os.environ["SAID"]).read_text()


def change(old: str, new: str, *, times: int) -> None:
    """Edit the module of the tasks, and wait until that was noticed for the given time."""
    MODULE.write_text(MODULE.read_text().replace(old, new))
    eventually(lambda: len(re.findall(r"^Changed: .*\borders/tasks.py", said(), re.MULTILINE)) == times)


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
            raise SystemExit("it did not happen in time")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
