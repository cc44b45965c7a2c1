"""The code of the how-to pages: what each page adds to the files of a project."""

import re
from collections import defaultdict
from pathlib import Path

from tests.docs.pages import DOCS, blocks

FOLDER = DOCS / "how_to"
SETTINGS = "shop/settings.py"
# Those with code of a project; other pages have theirs tested elsewhere.
PAGES = [
    FOLDER / f"{name}.md"
    for name in (
        "before_you_deploy",
        "effects_once",
        "fair_queues",
        "large_payloads",
        "limits",
        "many_tasks",
        "metadata",
        "monitor",
        "retries",
        "schedule_tasks",
        "sensitive_arguments",
        "test_tasks",
        "transactions",
        "unique_tasks",
    )
]
# Calls of other programs, which test_how_to.py and tests/architecture/test_audit.py hold.
LOCK, AUDIT = (
    block.text
    for block in blocks(FOLDER / "before_you_deploy.md")
    if block.text.startswith(("uv ", "pip-audit "))
)
# What is the reader's own, and no page shows.
OWN = {
    "orders/__init__.py": "",
    "photos/__init__.py": "",
    "orders/bank.py": """charged = []


def charge(*what, idempotency_key=""):
    charged.append((*what, idempotency_key))
    return len(charged)
""",
    "orders/web.py": """def links_on(page):
    return [f"{page}/a", f"{page}/b"]
""",
    "orders/mail.py": """printed = []


def print_receipt(*what):
    printed.append(what)
    return f"receipt {len(printed)}"
""",
}
# A file may have several contents to choose from: "# shop/settings.py, with Redis".
_FILE = re.compile(r"# (?P<name>\w+(?:/\w+)+\.py(?:, [^\n]+)?)\n")


def files(page: Path) -> dict[str, str]:
    """Return the Python files of a page, by name. Blocks that name the same file follow each other."""
    parts: dict[str, list[str]] = defaultdict(list)
    for block in blocks(page):
        head = _FILE.match(block.text)
        if block.language == "python" and head:
            parts[head["name"]].append(block.text[head.end() :])
    return {name: "\n\n".join(texts) for name, texts in parts.items()}
