"""SECURITY.md: every claim names its tests, and every test that it names exists."""

import re

import pytest

from tests.architecture.security.claims import PAGE, claims, unnamed, wrong
from tests.architecture.sources import ROOT

HERE = "architecture/test_security_page.py"
ONE, CASES = "test_every_claim_names_tests_that_exist", "test_what_is_wrong_with_a_page_is_said"
AUDIT, OF_T13 = "architecture/test_audit.py", "test_t13_every_lock_file_has_hashes_for_each_package"


def page(rows: dict[str, str] | None = None, lists: dict[str, str] | None = None) -> str:
    """Return a page of 15 threats, with some claims and lists of tests instead of its own."""
    numbers = [f"T{number}" for number in range(1, 16)]
    claims = dict.fromkeys(numbers, "It is so.") | (rows or {})
    items = dict.fromkeys(numbers, f"- `{HERE}`: `{ONE}`") | (lists or {})
    table = "\n".join(f"| {number} | {claim} |" for number, claim in claims.items())
    return f"{table}\n\n" + "\n".join(f"### {number}\n\n{item}\n" for number, item in items.items())


def test_every_claim_names_tests_that_exist():
    assert wrong(PAGE.read_text()) == []
    assert {row.number[0] for row in claims(PAGE.read_text())} == {"S", "T"}


def test_tests_that_are_named_after_a_threat_are_named_by_its_row():
    found = (
        re.findall(r"def (test_t\d\d_\w+)", path.read_text()) for path in (ROOT / "tests").rglob("test_*.py")
    )
    names = [name for names in found for name in names]

    assert unnamed(PAGE.read_text(), names) == []
    assert unnamed(page(), ["test_t07_a", "test_t15_b", "test_other"]) == ["T7", "T15"]


def test_the_page_says_how_to_report_before_anything_else():
    sections = [line for line in PAGE.read_text().splitlines() if line.startswith("## ")]

    assert sections[0] == "## Report a vulnerability"
    assert set(sections) >= {
        *("## Supported versions", "## Actors", "## Assets", "## Boundaries", "## Out of scope", "## Claims"),
        "## Tests of the claims",
    }


@pytest.mark.parametrize(
    ("rows", "lists", "sentence"),
    [
        ({}, {"T2": "- none"}, "T2 names no test. Write one"),
        ({"T2": ""}, {}, "T2 has no claim."),
        ({}, {"T2": f"- `{HERE}`: `test_gone`"}, f"T2 names tests/{HERE}::test_gone, which doesn't exist."),
        ({}, {"T2": "- `unit/gone.py`: `test_a`"}, "T2 names tests/unit/gone.py::test_a, which"),
        ({}, {"T2": f"- `{HERE}`: `{CASES}[no]`"}, "but that test has no such case."),
        ({}, {"T2": f"- `{HERE}`: `{ONE}[untested]`"}, "but that test has no such case."),
        ({"S2": "So."}, {"S2": f"- `{HERE}`: `{CASES}`"}, "Number the rows in order, each once."),
        ({"S1": "So."}, {}, "List tests for each row, once and in the same order."),
        ({}, {"S1": f"- `{HERE}`: `{CASES}`"}, "List tests for each row, once and in the same order."),
        ({}, {"T2": f"- `{HERE}`: `{CASES}`\n- {HERE}: `{ONE}`"}, "The list of T2 has a line that can't be"),
        ({}, {"T2": f"- `{HERE}`: `{CASES}` `{ONE}`"}, "The list of T2 has a line that can't be read."),
        ({}, {"T2": f"- `{HERE}`: `page`"}, "The list of T2 has a line that can't be read."),
        ({"T2": "It is so. | x"}, {}, "A row of the table has not exactly"),
        ({}, {}, "is named 15 times. Name it where it proves most."),
        ({}, {"T2": f"- `{AUDIT}`: `{OF_T13}`"}, f"T2 names tests/{AUDIT}::{OF_T13}, whose name is that of"),
    ],
    ids=[
        *("untested", "unclaimed", "gone", "no_file", "no_case", "no_cases", "misnumbered", "unlisted"),
        *("unheard", "no_code", "no_comma", "no_test", "malformed", "named_often", "misnamed"),
    ],
)
def test_what_is_wrong_with_a_page_is_said(rows, lists, sentence):
    assert any(sentence in one for one in wrong(page(rows, lists)))


def test_a_threat_without_a_row_is_named():
    text = "\n".join(line for line in page().splitlines() if not line.startswith(("| T7 |", "| T15 |")))

    assert "Write a row for each of these threats: T7, T15." in wrong(text)


def test_a_case_of_a_test_may_be_named_and_a_list_may_have_several_lines():
    items = (
        f"- `{HERE}`: `{CASES}[untested]`,\n  `test_a_threat_without_a_row_is_named`\n- `{AUDIT}`: `test_a`"
    )
    found = [one for one in wrong(page(lists={"T2": items})) if "T2" in one]

    assert found == [f"T2 names tests/{AUDIT}::test_a, which doesn't exist."]
