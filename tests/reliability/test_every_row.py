"""The failure table of ARCHITECTURE.md: every row of it is proven by a test that bears its number."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\|\s*([FT]\d+)\s*\|", re.MULTILINE)
TEST = re.compile(r"^\s*(?:async )?def test_([ft]\d\d)_", re.MULTILINE)


def rows() -> list[str]:
    """Return the ways to fail of ARCHITECTURE.md, and the threats of SECURITY.md, which names their tests."""
    pages = (ROOT / "ARCHITECTURE.md", ROOT / "SECURITY.md")
    return [row for page in pages for row in ROW.findall(page.read_text())]


def proven() -> set[str]:
    """Return the numbers of the rows that a test names, such as "F7"."""
    names = {name for path in (ROOT / "tests").rglob("test_*.py") for name in TEST.findall(path.read_text())}
    return {f"{name[0].upper()}{int(name[1:])}" for name in names}


def test_every_way_to_fail_has_its_row() -> None:
    found = [row for row in rows() if row.startswith("F")]

    assert found == [f"F{number}" for number in range(1, len(found) + 1)], (
        "Number the rows in order, each once."
    )
    assert len(found) >= 32, "ARCHITECTURE.md lists the ways to fail in rows | F1 | … to | F32 | …."


def test_every_row_has_a_test_of_its_name() -> None:
    missing = {row for row in rows() if row.startswith("F")} - proven()

    assert not missing, f"Write a test for each of these, named test_f01_… and so on: {sorted(missing)}"


def test_no_test_names_a_row_that_is_not_there() -> None:
    assert not proven() - set(rows()), "Name these tests after what they hold, or add their rows."
