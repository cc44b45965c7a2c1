"""The two blocks of the page about the times of schedules, which tests/unit/conf/test_crontab.py runs."""

from typing import Any

from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "reference" / "schedule_times.md"
TASK, OPTIONS = (block.text for block in blocks(PAGE))


def names_of(text: str) -> dict[str, Any]:
    """Return what a block defines."""
    names: dict[str, Any] = {"__name__": "reports.tasks"}
    exec(text, names)  # noqa: S102, a block of our own page
    return names
