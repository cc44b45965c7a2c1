"""The troubleshooting page: each case is brought about, its commands are typed, and they say what it says."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from django_offload.deploy import release
from django_offload.management import doctor
from django_offload.management.doctor.records import STATES
from tests.docs.pages import DOCS, Section, sections
from tests.docs.symptoms import CASES, COUNTS, Case
from tests.docs.world import World

SECTIONS = {section.title: section for section in sections(DOCS / "how_to" / "troubleshooting.md")}
SAID = re.compile(r"`([^`]+)`")
# Its rows are the doctor's findings by their ids; tests/integration/test_doctor*.py bring findings about.
DOCTOR = SECTIONS.pop("offload_doctor finds something")
# Its rows are the refusals of the release; tests/deploy/test_index_steps.py brings them about.
STEPS = SECTIONS.pop("offload_deploy refuses a step")


def words_of(section: Section) -> list[str]:
    """Return what the rows of a section's table say is said."""
    return [found[1] for row in section.rows if (found := SAID.match(row[0]))]


def pattern(words: str) -> re.Pattern[str]:
    """Return words as what they stand for: … is a name, a number, or the blanks of a column."""
    return re.compile(".*?".join(map(re.escape, words.split("…"))))


def counted(heading: str, said: str) -> int:
    """Return the number below a heading, in the row of the queue that tasks go to by default."""
    table = [re.split(r"\s{2,}", line) for line in said.splitlines()]
    (column,) = [row.index(heading) for row in table if heading in row]
    (number,) = [row[column] for row in table if row[0] == "default"]
    return int(number)


@pytest.mark.parametrize("title", SECTIONS)
def test_every_row_of_the_page_is_a_case_that_is_tried(title: str) -> None:
    section = SECTIONS[title]

    assert section.commands, "Say which command tells."
    assert len(words_of(section)) == len(section.rows)
    assert words_of(section) == list(CASES[title])


@pytest.mark.parametrize(
    ("title", "case"),
    [(title, case) for title, cases in CASES.items() for case in dict.fromkeys(cases.values())],
)
def test_the_commands_say_what_the_page_says(title: str, case: Case, world: World) -> None:
    task_id = case(world)

    try:
        said = "".join(world.type(command, task_id) for command in SECTIONS[title].commands)
    finally:
        world.back()

    for words in (words for words, of in CASES[title].items() if of is case):
        assert pattern(words).search(said), f"{words} is not said:\n{said}"
        if words in COUNTS:
            assert counted(words, said) == COUNTS[words]


def ids_in_the_code() -> set[str]:
    """Return the id of each finding that the doctor's modules make; * where part of it is put in."""
    modules = Path(doctor.__file__).parent.glob("*.py")
    calls = [node for path in modules for node in ast.walk(ast.parse(path.read_text())) if _makes(node)]
    given = [
        value
        for call in calls
        for value in [*call.args[:1], *(word.value for word in call.keywords if word.arg == "id")]
    ]
    return {name for value in given for name in names(value)}


def _makes(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Finding", "finding"}


def refused_steps() -> list[str]:
    """Return the text of each ChangeTooEarly that the code raises, with … for what is put in."""
    trees = [ast.parse(path.read_text()) for path in Path(release.__file__).parent.glob("*.py")]
    calls = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ChangeTooEarly"
    ]
    return ["".join(names(call.args[1])).replace("*", "…") for call in calls]


def test_each_refused_step_of_a_deployment_has_its_row_and_no_other_has() -> None:
    texts, rows = refused_steps(), words_of(STEPS)

    assert len(texts) == len(rows) == len(STEPS.rows)
    for text in texts:
        assert len([words for words in rows if words in text]) == 1, text


def names(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(name)):
            yield name
        case ast.IfExp(body=one, orelse=other):
            yield from [*names(one), *names(other)]
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)


def test_each_finding_of_the_doctor_has_its_row_and_no_other_has() -> None:
    told = [name for row in DOCTOR.rows for name in SAID.findall(row[0])]

    made = ids_in_the_code()

    assert len(told) == len(set(told))
    assert [name for name in made if not any(fnmatch(row, name) for row in told)] == []
    assert [row for row in told if not any(fnmatch(row, name) for name in made)] == []
    assert {f"overdue-{state}" for state in STATES} < set(told)
    assert "ready-for-long" in made, "what is read of the code"
