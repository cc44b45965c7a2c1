"""Every idiom of the corpus gets its answer, and nothing else of the code does."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from django_offload.deploy.scaffold.migrate_from import Report, report
from django_offload.deploy.scaffold.migrate_from.celery.idioms import IDIOMS, Idiom
from django_offload.stack.layout import Layout
from tests.scaffold.celery_corpus import CASES, Case

APPS = ("orders", "shop")


def report_on(folder: Path, case: Case, idioms: Sequence[Idiom] = IDIOMS) -> Report:
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return report(
        Layout(root=folder, source=folder, settings_module="shop.settings"),
        "celery",
        app_names=APPS,
        idioms=idioms,
    )


def answered(result: Report) -> set[tuple[str, int, str]]:
    """Return the path, line and idiom of everything that is listed with an answer."""
    assert result.findings is not None
    return {
        (place.path, place.line, idiom.name)
        for idiom, places in result.findings.decisions.items()
        for place in places
    }


def test_the_corpus_has_a_case_for_every_row_of_the_table() -> None:
    names = [idiom.name for idiom in IDIOMS]

    assert len(names) == len(set(names)) >= 60
    assert sorted(case.idiom for case in CASES) == sorted(names)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_idiom_gets_its_answer_on_its_line(case: Case, tmp_path: Path) -> None:
    result = report_on(tmp_path, case)

    assert result.findings is not None
    assert answered(result) == case.expected
    assert (list(result.findings.unknown), list(result.unread), result.diffs) == ([], [], {})
    (answer,) = {idiom.answer for idiom in result.findings.decisions if idiom.name == case.idiom}
    assert case.says in answer


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_its_row_an_idiom_is_unknown_or_less_exact(case: Case, tmp_path: Path) -> None:
    result = report_on(tmp_path, case, [idiom for idiom in IDIOMS if idiom.name != case.idiom])

    lost = {place for place in case.expected if place[2] == case.idiom}
    assert lost
    assert not lost & answered(result)
    assert result.findings is not None
    listed = {(path, line) for path, line, _ in answered(result)}
    listed |= {(place.path, place.line) for place in result.findings.unknown}
    assert {(path, line) for path, line, _ in lost} <= listed  # Nothing is missed silently.
