"""progress_on_a_page.md as the files of a project."""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "django_app" / "docs" / "how_to" / "progress_on_a_page.md"
# A block begins with the name of its file, in a comment of its language.
_BLOCK = re.compile(
    r"^```(?P<language>\w+)\n(?:# |// |/\* |\{# )(?P<file>\S+)(?: #\}| \*/)?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def files() -> dict[str, str]:
    """Return the files that the page's blocks make, block after block."""
    text = PAGE.read_text()
    found = list(_BLOCK.finditer(text))
    assert len(found) == len(re.findall(r"^```\w", text, re.MULTILINE)), (
        "Begin each block with its file's name."
    )
    made: dict[str, str] = defaultdict(str)
    for block in found:
        made[block["file"]] += block["text"]
    return dict(made)
