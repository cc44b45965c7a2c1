"""SECURITY.md: every claim names its tests, and every test that it names exists."""

import re

import pytest

from tests.architecture.security.claims import PAGE, claims, unnamed, wrong
from tests.architecture.sources import ROOT

HERE = "tests/architecture/test_security_page.py"
ONE, CASES = "test_every_claim_names_tests_that_exist", "test_what_is_wrong_with_a_table_is_said"
OF_T13 = "tests/architecture/test_audit.py::test_t13_every_lock_file_has_hashes_for_each_package"
ALL = "\n".join(f"| T{number} | It is so. | `{HERE}::{ONE}` |" for number in range(1, 16))


def table(*rows: str) -> str:
    """Return a table of 15 threats, with these rows instead of their own, and below them."""
    lines = {line.split()[1]: line for line in ALL.splitlines()}
    for row in rows:
        lines[row.split()[1]] = row
    return "\n".join(lines.values())


def test_every_claim_names_tests_that_exist():
    assert wrong(PAGE.read_text()) == []
    assert {row.number[0] for row in claims(PAGE.read_text())} == {"S", "T"}


def test_tests_that_are_named_after_a_threat_are_named_by_its_row():
    found = (
        re.findall(r"def (test_t\d\d_\w+)", path.read_text()) for path in (ROOT / "tests").rglob("test_*.py")
    )
    names = [name for names in found for name in names]

    assert unnamed(PAGE.read_text(), names) == []
    assert unnamed(table(), ["test_t07_a", "test_t15_b", "test_other"]) == ["T7", "T15"]


def test_the_page_says_how_to_report_before_anything_else():
    sections = [line for line in PAGE.read_text().splitlines() if line.startswith("## ")]

    assert sections[0] == "## Report a vulnerability"
    assert set(sections) >= {
        *("## Supported versions", "## Actors", "## Assets", "## Boundaries", "## Out of scope", "## Claims"),
    }


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["| T2 | It is so. | |"], "T2 names no test. Write one"),
        (["| T2 | | `tests/a.py::test_a` |"], "T2 has no claim."),
        ([f"| T2 | It is so. | `{HERE}::test_gone` |"], f"T2 names {HERE}::test_gone, which doesn't exist."),
        (["| T2 | It is so. | `tests/unit/gone.py::test_a` |"], "T2 names tests/unit/gone.py::test_a, which"),
        ([f"| T2 | It is so. | `{HERE}::table` |"], f"T2 names {HERE}::table, which doesn't exist."),
        ([f"| T2 | It is so. | `{HERE}::{CASES}[no]` |"], "but that test has no such case."),
        ([f"| T2 | It is so. | `{HERE}::{ONE}[untested]` |"], "but that test has no such case."),
        ([f"| S2 | It is so. | `{HERE}::{CASES}` |"], "Number the rows in order, each once."),
        (["| T2 | It is so. `a|b` | x |"], "A row of the table has not exactly"),
        ([f"| T2 | It is so. | `{HERE}::{ONE}` |"], "is named 15 times. Name it where it proves most."),
        ([f"| T2 | It is so. | `{OF_T13}` |"], f"T2 names {OF_T13}, whose name is that of another threat."),
    ],
    ids=[
        *("untested", "unclaimed", "gone", "no_file", "no_test", "no_case", "no_cases", "misnumbered"),
        *("malformed", "named_often", "misnamed"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(rows, sentence):
    assert any(sentence in one for one in wrong(table(*rows)))


def test_a_threat_without_a_row_is_named():
    text = "\n".join(line for line in table().splitlines() if not line.startswith(("| T7 |", "| T15 |")))

    assert "Write a row for each of these threats: T7, T15." in wrong(text)


def test_a_case_of_a_test_may_be_named():
    row = f"| T2 | It is so. | `{HERE}::{CASES}[untested]` |"

    assert not [one for one in wrong(table(row)) if one.startswith("T2")]
