"""Every idiom of the corpus gets its answer, and nothing else of the code does."""

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from django_offload.compat import TaskError, TaskResult
from django_offload.conf.queue_options import QUEUE_KEYS
from django_offload.conf.schedules import KEYS as SCHEDULE_KEYS
from django_offload.conf.validation import OPTION_KEYS
from django_offload.definition.context import OffloadContext
from django_offload.definition.offload_task import OffloadTask
from django_offload.deploy.scaffold.migrate_from import Report, report
from django_offload.deploy.scaffold.migrate_from.celery import renames
from django_offload.deploy.scaffold.migrate_from.celery.idioms import IDIOMS, Idiom, Table
from django_offload.stack.layout import Layout
from django_offload.testing import Offload
from tests.docs.holders import arguments_of
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
    assert {case.idiom for case in CASES} == set(names)


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


def test_the_table_says_which_uses_a_rename_serves() -> None:
    table = Table(IDIOMS)
    served = {*renames.CALLS, *renames.HARMLESS, renames.LOGGER, "result.id"} - {"@task outside"}

    assert {table.find(use) for use in served} == {idiom for idiom in IDIOMS if idiom.is_renamed}


def texts(pattern: str) -> list[tuple[str, ...]]:
    """Return what a pattern finds in the answers."""
    found = [
        match.groups() or (match[0],) for idiom in IDIOMS for match in re.finditer(pattern, idiom.answer)
    ]
    assert found, f"No answer has {pattern}"
    return found


def test_what_the_answers_import_and_name_exists() -> None:
    for (line,) in texts(r"`(from [\w.]+ import \w+)`"):
        exec(line, {})  # noqa: S102
    for (path,) in texts(r"`(django(?:_offload)?\.[\w.]+)`"):
        assert has_path(path), path
    for name, module in texts(r"`(\w+)(?:\(\w*\))?` of `(django[\w.]*)`"):
        assert hasattr(import_module(module), name), (name, module)


def has_path(path: str) -> bool:
    """Return True for a module, or an attribute of one."""
    try:
        import_module(path)
    except ImportError:
        module, _, name = path.rpartition(".")
        return hasattr(import_module(module), name)
    return True


@pytest.mark.parametrize(
    ("pattern", "owner"),
    [
        (r"\bcontext\.(\w+)", OffloadContext),
        (r"\bcontext\.task_result\.(\w+)", TaskResult),
        (r"\bcontext\.task_result\.task\.(\w+)", OffloadTask),
        (r"(?<!_)\bresult\.(\w+)", TaskResult),
        (r"\bresult\.errors\[-1\]\.(\w+)", TaskError),
        (r"\bresult\.task\.(\w+)", OffloadTask),
        (r"Write `f\.(\w+)", OffloadTask),
        (r"\boffload\.(\w+)\(", Offload),
    ],
)
def test_the_attributes_that_the_answers_write_exist(pattern: str, owner: type) -> None:
    known = {*dir(owner), *(field.name for field in (fields(owner) if is_dataclass(owner) else ()))}

    for (name,) in texts(pattern):
        assert name in known, (pattern, name)


def test_the_options_that_the_answers_write_exist() -> None:
    queue_and_schedule = {*QUEUE_KEYS, *SCHEDULE_KEYS, "default", "slow", "urgent", "when"}
    for (name,) in texts(r'OPTIONS\["(\w+)"\]'):
        assert name in OPTION_KEYS, name
    for (name,) in texts(r'`"(\w+)"`'):
        assert name in queue_and_schedule, name
    task_options = {field.name for field in fields(OffloadTask)}
    for (name,) in texts(r"`(?:@task\(|f\.using\()?(\w+)=(?!=)"):
        if name not in {"countdown", "throw", "fee", "request", "CELERY"}:  # Celery's, or a variable.
            assert name in task_options, name


def test_the_commands_that_the_answers_write_are_taken() -> None:
    for (line,) in texts(r"`(manage\.py [^`]+)`"):
        assert arguments_of(line) is not None, line


def test_an_answer_ends_as_a_sentence() -> None:
    assert [idiom.name for idiom in IDIOMS if not idiom.answer.endswith(".")] == []
