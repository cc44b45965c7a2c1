"""The --help of every command fits a terminal, and its examples are valid."""

import argparse
import pkgutil
import shlex
from collections.abc import Iterator

import pytest
from django.core.management import load_command_class
from django.core.management.base import CommandParser

from django_offload.management import commands

NAMES = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def parser_of(name: str) -> CommandParser:
    return load_command_class("django_offload", name).create_parser("manage.py", name)


def parsers(name: str) -> Iterator[CommandParser]:
    """Yield the parsers of a command and of its actions."""
    parser = parser_of(name)
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def examples(parser: CommandParser) -> list[list[str]]:
    """Return the words of each example at the end of --help, without redirections."""
    head, *lines = parser.format_help().partition("\nexample:")[2].rstrip().splitlines() or ["none"]
    assert head == "", f"{parser.prog} has no example"
    return [shlex.split(line.partition(" > ")[0]) for line in lines]


def test_every_command_is_here() -> None:
    assert {"offload_local", "offload_result", "offload_dead"} < set(NAMES)
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_it_does_and_ends_with_an_example(name: str) -> None:
    for parser in parsers(name):
        assert parser.description
        assert examples(parser)
        for option in parser._actions:
            assert option.help, f"{parser.prog} does not say what {option.dest} is"


@pytest.mark.parametrize("name", NAMES)
def test_help_is_no_wider_than_a_terminal(name: str) -> None:
    for parser in parsers(name):
        assert [line for line in parser.format_help().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_a_command_that_its_parser_takes(name: str) -> None:
    for parser in parsers(name):
        for program, command, *arguments in examples(parser):
            assert (program, command) == ("manage.py", name)
            parser_of(name).parse_args(arguments)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_speaks_json_and_says_so(name: str) -> None:
    assert all("--json" in parser.format_help() for parser in parsers(name))


@pytest.mark.parametrize(("name", "option"), [("offload_status", "--watch"), ("offload_result", "--follow")])
def test_help_says_how_what_goes_on_is_ended(name: str, option: str) -> None:
    output = " ".join(parser_of(name).format_help().split())

    assert option in output
    assert "Ctrl-C" in output
    assert "exit code" in output


@pytest.mark.parametrize("option", ["--no-color", "--traceback", "--json", "--settings=x", "-v2"])
def test_what_every_command_takes_may_stand_behind_an_action(option: str) -> None:
    before = vars(parser_of("offload_dead").parse_args([option, "list"]))

    assert vars(parser_of("offload_dead").parse_args(["list", option])) == before
