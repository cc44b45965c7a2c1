"""The table of SECURITY.md: each claim with the tests that hold it, and what those files have."""

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.sources import ROOT

PAGE = ROOT / "SECURITY.md"
THREATS = 15
_ROW = re.compile(r"^\|\s*(?P<number>[A-Z]\d+)\s*\|(?P<claim>[^|]*)\|(?P<tests>[^|]*)\|\s*$", re.MULTILINE)
_NUMBERED = re.compile(r"^\|\s*[A-Z]\d+\b", re.MULTILINE)
_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>[\w:]+)(?:\[(?P<case>[^`\]]+)\])?`")
_OF_A_THREAT = re.compile(r"test_t(\d\d)_")


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the table."""

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


def claims(text: str) -> list[Claim]:
    """Return the rows of the table."""
    return [
        Claim(
            row["number"],
            row["claim"].strip(),
            tuple(one[0].strip("`") for one in _TEST.finditer(row["tests"])),
        )
        for row in _ROW.finditer(text)
    ]


def wrong(
    text: str, names_of: Callable[[Path], dict[str, set[str]]] = names_in, root: Path = ROOT
) -> list[str]:
    """Return a sentence for everything that is wrong with the table in a text."""
    rows = claims(text)
    sentences = []
    if len(_NUMBERED.findall(text)) != len(rows):
        sentences.append("A row of the table has not exactly a number, a claim and tests. Correct it.")
    numbers = [row.number for row in rows]
    letters = sorted({number[0] for number in numbers})
    expected = [
        f"{letter}{n}" for letter in letters for n in range(1, sum(x[0] == letter for x in numbers) + 1)
    ]
    if sorted(numbers) != sorted(expected):
        sentences.append("Number the rows in order, each once.")
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
        yield f"{row.number} names no test. Write one, and name it as `tests/…/test_….py::test_…`."
    for test in row.tests:
        match = _TEST.fullmatch(f"`{test}`")
        assert match is not None
        path = root / match["path"]
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
