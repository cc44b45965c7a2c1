"""The first blocks of code of the page on tests, as the tests of a project."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "django_app" / "docs" / "how_to" / "test_tasks.md"
PREFIX = "from orders.tasks import fetch as send_receipt\n\n\n"


def blocks() -> list[str]:
    """Return the section's blocks of Python."""
    section = PAGE.read_text().partition("\n## Run what a test enqueued\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def write_into(project: Path) -> int:
    """Write each block as a module of tests, and return their number."""
    for number, block in enumerate(blocks()):
        (project / "quiet" / f"usage_page_{number}.py").write_text(PREFIX + block)
    return len(blocks())
