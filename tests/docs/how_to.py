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
        "effects_once",
        "large_payloads",
        "many_tasks",
        "monitor",
        "retries",
        "schedule_tasks",
        "sensitive_arguments",
        "test_tasks",
        "transactions",
    )
]
# What is the reader's own, and no page shows.
OWN = {
    "orders/__init__.py": "",
    "photos/__init__.py": "",
    "orders/bank.py": """charged = []


def charge(*what, idempotency_key=""):
    charged.append((*what, idempotency_key))
    return len(charged)
""",
    "orders/mail.py": """printed = []


def print_receipt(*what):
    printed.append(what)
    return f"receipt {len(printed)}"
""",
}
_FILE = re.compile(r"# (?P<name>\w+/\w+\.py)\n")


def files(page: Path) -> dict[str, str]:
    """Return the Python files of a page, by name. Blocks that name the same file follow each other."""
    parts: dict[str, list[str]] = defaultdict(list)
    for block in blocks(page):
        head = _FILE.match(block.text)
        if block.language == "python" and head:
            parts[head["name"]].append(block.text[head.end() :])
    return {name: "\n\n".join(texts) for name, texts in parts.items()}
