"""The commands with their options, as argparse knows them."""

import argparse
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.core.management import BaseCommand, load_command_class

from tests.docs.reference.entry import Entry
from tests.docs.reference.sentences import LIBRARY

COMMANDS = sorted(path.stem for path in (LIBRARY / "management" / "commands").glob("[!_]*.py"))
# Every command of ours has it; the text around the tables says so.
OF_EVERY_COMMAND = {"--json"}


@cache
def parser_of(command: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = load_command_class("django_offload", command).create_parser(
        "manage.py", command
    )
    return parser


def commands() -> list[Entry]:
    return [
        Entry(name=name, sentence=parser_of(name).description or "", place=f"{name}.py, help")
        for name in COMMANDS
    ]


def command_options() -> list[Entry]:
    """Return an entry for each argument of each command and of its actions."""
    of_django = set(BaseCommand().create_parser("manage.py", "any")._option_string_actions)
    return [
        Entry(
            name=f"{words} {written(action)}",
            sentence=(action.help or "") % {"default": action.default},
            place=f"{words}, help of {written(action)}",
        )
        for command in COMMANDS
        for words, action in arguments(command, parser_of(command))
        if not own_of_django(action, of_django) and action.help is not argparse.SUPPRESS
    ]


def own_of_django(action: argparse.Action, options: set[str]) -> bool:
    """Return True for an option that Django gives every command, unless ours means something else by it."""
    names = set(action.option_strings)
    renamed = action.dest != max(names, key=len, default="").strip("-").replace("-", "_")
    return bool(names & OF_EVERY_COMMAND or (names & options and not renamed))


def arguments(words: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Yield the arguments of a parser, and those of its actions below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from actions(words, action)
        else:
            yield words, action


def actions(words: str, action: Any) -> Iterator[tuple[str, argparse.Action]]:
    for choice in action._choices_actions:
        yield words, argparse.Action([], choice.dest, help=choice.help)
        yield from arguments(f"{words} {choice.dest}", action.choices[choice.dest])


def written(action: argparse.Action) -> str:
    """Return an argument as people type it."""
    name = max(action.option_strings, key=len, default="")
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    if not name:
        return choices or str(action.metavar or action.dest)
    if action.nargs == 0:
        return name
    return f"{name} {choices or action.metavar or action.dest.upper()}"
