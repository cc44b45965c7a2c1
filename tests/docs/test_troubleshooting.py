"""The troubleshooting page: each case is brought about, its commands are typed, and they say what it says."""

import re

import pytest

from tests.docs.pages import DOCS, Section, sections
from tests.docs.symptoms import CASES, COUNTS, Case
from tests.docs.world import World

SECTIONS = {section.title: section for section in sections(DOCS / "troubleshooting.md")}
SAID = re.compile(r"`([^`]+)`")


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
