"""What BENCHMARKS.md is made of."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.benchmarks import sections
from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.report import Figure, Section, moment, number, page, table
from tests.benchmarks.rounds import Plan, Series


def test_a_figure_says_whether_it_was_reached():
    assert Figure("CPU", 0.29, 0.30).cells() == ("CPU", "≤ 0.30 ×", "0.29 ×", "reached")
    assert Figure("tasks/s", 4.5, 5, at_least=True).cells() == (
        "tasks/s",
        "≥ 5 ×",
        "4.50 ×",
        "**not reached**",
    )


@pytest.mark.parametrize(
    ("value", "text"), [(0.0312, "0.031"), (0.31249, "0.31"), (2, "2"), (1234.5, "1,234"), (99.95, "99.95")]
)
def test_a_number_has_the_digits_that_count(value, text):
    assert number(value) == text


def test_a_ratio_is_the_median_of_the_rounds_own():
    mine, other = Series("mine", ours=True), Series("other", ours=False)
    # The third round met a busy machine: both were slow.
    mine.rounds += [{"cpu": 1.0}, {"cpu": 1.0}, {"cpu": 9.0}]
    other.rounds += [{"cpu": 2.0}, {"cpu": 2.0}, {"cpu": 18.0}]

    assert mine.ratio("cpu", other) == 0.5


def test_a_round_is_as_many_calls_as_its_time_holds_within_bounds():
    plan = Plan(seconds=0.25, python="python")

    # Whole shares for eight threads.
    assert [plan.calls(wall) for wall in (0.001, 1.0, 1e-6)] == [256, 8, 4_000]


def test_the_page_counts_the_figures_reached_and_holds_every_section():
    figures = [Figure("one", 1, 2), Figure("other", 3, 2)]
    text = page(
        [Section("Enqueue", "What a view waits for.", [table(["a", "b"], [["x", "1"]])], figures)], "make", {}
    )

    assert "## Figures to reach: 1 of 2" in text
    assert "## Enqueue\n\nWhat a view waits for.\n\n| a | b |\n|---|---:|\n| x | 1 |\n" in text


def test_a_section_says_when_it_was_measured():
    section = Section("Worker", "Ten at a time.", measured="2026-11-30 22:10 UTC, with a load of 2.5")

    assert section.markdown().startswith(
        "## Worker\n\nMeasured on 2026-11-30 22:10 UTC, with a load of 2.5.\n\nTen at a time.\n"
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC, with a load of \d+\.\d", moment())


def test_a_retired_figure_keeps_its_row_and_its_reason_and_counts_no_more():
    retired = Figure("CPU, to a worker that does less", 3, 2, retired="it does other work")
    text = page([Section("Worker", "", figures=[Figure("one", 1, 2), retired])], "make", {})

    assert "## Figures to reach: 1 of 1" in text
    assert "| CPU, to a worker that does less | ≤ 2 × | 3 × | retired: it does other work |" in text


def test_every_module_of_a_section_is_measured():
    names = [path.stem for path in Path(sections.__file__).parent.glob("*.py") if path.stem != "__init__"]

    assert sorted(NAMES) == sorted(names)
    assert (NAMES[0], NAMES[-1]) == ("enqueue", "pages")


@pytest.mark.parametrize("name", NAMES)
def test_every_section_has_what_it_imports(name):
    """A section is imported only when it's measured, so that no other test would see a name that moved."""
    assert callable(import_module(f"{sections.__name__}.{name}").section)
