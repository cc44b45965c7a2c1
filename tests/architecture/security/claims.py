"""The claims of SECURITY.md: each with the tests that hold it, and what those files have."""

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.sources import ROOT

PAGE = ROOT / "SECURITY.md"
THREATS = 15
# A claim is a row of a table, and its tests are a list below a heading with its number.
_ROW = re.compile(r"^\|\s*(?P<number>[A-Z]\d+)\s*\|(?P<claim>[^|]*)\|\s*$", re.MULTILINE)
_NUMBERED = re.compile(r"^\|\s*[A-Z]\d+\b", re.MULTILINE)
_LIST = re.compile(r"^### (?P<number>\S+)\n(?P<list>(?:(?!^#).*\n?)*)", re.MULTILINE)
_ITEM = re.compile(
    r"^- `(?P<path>[\w/]+\.py)`:\s+(?P<tests>`test_[^`]+`(?:,\s+`test_[^`]+`)*)$", re.MULTILINE
)
_NAME = re.compile(r"(?P<name>[\w:]+)(?:\[(?P<case>[^\]]+)\])?")
_OF_A_THREAT = re.compile(r"test_t(\d\d)_")


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the table, with its list of tests."""

    number: str
    text: str
    tests: tuple[str, ...]  # Such as "tests/unit/http/test_access.py::test_a_token_lasts_a_day".


@cache
def names_in(path: Path) -> dict[str, set[str]]:
    """Return the tests of a file, those of a class as "Class::test", each with the texts of its cases."""
    found: dict[str, set[str]] = {}
    tree = ast.parse(path.read_text())
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test") else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for one in inner:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test_"):
                decorators = [
                    ast.walk(each) for each in one.decorator_list if "parametrize" in ast.unparse(each)
                ]
                # Cases may be written beside the test, or in a constant of the file.
                texts = {str(c.value) for c in ast.walk(tree) if isinstance(c, ast.Constant)}
                found[prefix + one.name] = texts if decorators else set()
    return found


def lists(text: str) -> dict[str, str]:
    """Return the list below each heading that is a number of a claim."""
    return {found["number"]: found["list"] for found in _LIST.finditer(text)}


def tests_of(items: str) -> tuple[str, ...]:
    """Return the tests in a list, which has the names of each file's tests after the file."""
    return tuple(
        f"tests/{item['path']}::{name}"
        for item in _ITEM.finditer(items)
        for name in re.findall(r"`([^`]+)`", item["tests"])
    )


def claims(text: str) -> list[Claim]:
    """Return the rows of the table, with the tests of each."""
    items = lists(text)
    return [
        Claim(row["number"], row["claim"].strip(), tests_of(items.get(row["number"], "")))
        for row in _ROW.finditer(text)
    ]


def wrong(
    text: str, names_of: Callable[[Path], dict[str, set[str]]] = names_in, root: Path = ROOT
) -> list[str]:
    """Return a sentence for everything that is wrong with the claims in a text."""
    rows = claims(text)
    sentences = []
    if len(_NUMBERED.findall(text)) != len(rows):
        sentences.append("A row of the table has not exactly a number and a claim. Correct it.")
    numbers = [row.number for row in rows]
    letters = sorted({number[0] for number in numbers})
    expected = [
        f"{letter}{n}" for letter in letters for n in range(1, sum(x[0] == letter for x in numbers) + 1)
    ]
    if sorted(numbers) != sorted(expected):
        sentences.append("Number the rows in order, each once.")
    if [found["number"] for found in _LIST.finditer(text)] != numbers:
        sentences.append("List tests for each row, once and in the same order.")
    for number, items in lists(text).items():
        # Every test and file that a list mentions has to be read as one.
        mentioned = len(re.findall(r"`[^`]*`", items)) - len(_ITEM.findall(items))
        if mentioned != len(tests_of(items)):
            sentences.append(f"The list of {number} has a line that can't be read. Write `a.py`: `test_a`.")
    missing = {f"T{number}" for number in range(1, THREATS + 1)} - set(numbers)
    if missing:
        sentences.append(f"Write a row for each of these threats: {', '.join(sorted(missing, key=_order))}.")
    for row in rows:
        sentences += _wrong_with(row, names_of, root)
    named = [test for row in rows for test in row.tests]
    sentences += [
        f"{test} is named {named.count(test)} times. Name it where it proves most."
        for test in dict.fromkeys(named)
        if named.count(test) > 1
    ]
    return sentences


def _order(number: str) -> int:
    return int(number[1:])


def _threat_of(name: str) -> str | None:
    """Return the threat that a test is named after, such as "T7"."""
    match = _OF_A_THREAT.search(name)
    return f"T{int(match[1])}" if match else None


def _wrong_with(row: Claim, names_of: Callable[[Path], dict[str, set[str]]], root: Path) -> Iterable[str]:
    if not row.text.endswith("."):
        yield f"{row.number} has no claim. Write it as a sentence."
    if not row.tests:
        yield f"{row.number} names no test. Write one, and list it below ### {row.number}."
    for test in row.tests:
        file, _, rest = test.partition("::")
        path, match = root / file, _NAME.fullmatch(rest)
        assert match is not None
        found = names_of(path) if path.is_file() and path.name.startswith("test_") else {}
        if match["name"] not in found:
            yield f"{row.number} names {test}, which doesn't exist."
        elif match["case"] and not all(part in found[match["name"]] for part in match["case"].split("-")):
            yield f"{row.number} names {test}, but that test has no such case."
        elif row.number[0] == "T" and _threat_of(match["name"]) not in (None, row.number):
            yield f"{row.number} names {test}, whose name is that of another threat."


def unnamed(text: str, names: Iterable[str]) -> list[str]:
    """Return the threats that tests are named after, such as test_t07_…, if their rows name none of these."""
    named = {row.number: " ".join(row.tests) for row in claims(text)}
    numbers = {int(match[1]) for name in names if (match := _OF_A_THREAT.match(name))}
    return [f"T{n}" for n in sorted(numbers) if f"::test_t{n:02}_" not in named.get(f"T{n}", "")]
