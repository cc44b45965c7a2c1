"""Who runs which block: each holder takes blocks as the tests that run them take them from the page."""

import argparse
import ast
import re
import shlex
import subprocess
import textwrap
import tomllib
from collections.abc import Callable

from botocore.session import get_session
from django.core.management import load_command_class
from django.core.management.base import CommandError

from django_offload.conf import Options
from tests.browser.pieces import page as pieces
from tests.deploy import readme as deploying
from tests.docs import how_to, schedule_times, worker_process
from tests.docs.pages import DOCS, ROOT, Block, commands
from tests.docs.reference.environment import own_variables
from tests.plugin import page as testing
from tests.scaffold import readme as adopting
from tests.scaffold import test_pages as elsewhere
from tests.scaffold import tutorial
from tests.unit.stack.examples import document
from tests.wagtail import test_wagtail as wagtail

# Parts of AWS's command line that are no operations of its services.
AWS_EXTRAS = {("logs", "tail")}
_DRAWN = set("─│▶▲▼◀")
_NAME = re.compile(r"\w+")
_MANAGE = re.compile(r"^(?:\S*python )?(?:\S*manage\.py )?(?P<command>offload_\w+)(?P<rest>.*)$")


def is_drawing(block: Block) -> bool:
    """A drawing: most of its lines are drawn, not counting remarks, which code has too."""
    lines = [line for line in block.text.splitlines() if line.strip()]
    drawn = sum(bool(_DRAWN & set(line.partition("#")[0])) for line in lines)
    return block.language == "" and 2 * drawn > len(lines)


def is_the_layers(block: Block) -> bool:
    """The layers as import-linter holds them: the same names in the same order."""
    if block.page != ROOT / "ARCHITECTURE.md" or "transports" not in block.text:
        return False
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = [set(_NAME.findall(line)) for line in project["tool"]["importlinter"]["contracts"][0]["layers"]]
    return [set(_NAME.findall(line)) for line in block.text.splitlines()] == layers


def is_done_in_a_fresh_project(block: Block) -> bool:
    """The README's files, commands and status, done to the letter by tests/scaffold/test_readme.py."""
    if block.page == adopting.DEPLOY and block.language == "sh":
        return block.text in adopting.blocks(adopting.DEPLOYING, "sh", adopting.DEPLOY)
    if block.page != adopting.README:
        return False
    return block.text in [
        *adopting.blocks(adopting.PITCH, "python"),
        *(text for kind in ("sh", "python", "json") for text in adopting.blocks(adopting.STEPS, kind)),
    ]


def is_of_those_who_come_from_elsewhere(block: Block) -> bool:
    """Both sides of the four pages, run by tests/scaffold/test_pages.py."""
    page = block.page.stem.removeprefix("from_")
    if block.page.parent != elsewhere.DOCS or page not in elsewhere.PAGES:
        return False
    return any(text in block.text for _, _, text in elsewhere.blocks(page))


def is_of_the_tutorial(block: Block) -> bool:
    """The first lesson's files, commands and status, done by tests/scaffold/test_tutorial.py."""
    return block.page == tutorial.PAGE and block.text in tutorial.blocks(block.language)


def is_of_a_how_to(block: Block) -> bool:
    """The files of how-to pages, run by tests/docs/test_how_to.py, and calls of other programs."""
    if block.page not in how_to.PAGES:
        return False
    if block.language == "json":
        return block.page.stem in {"monitor", "limits"}
    if block.text in {how_to.LOCK, how_to.AUDIT}:
        return True
    return block.language == "python" and block.text.partition("\n")[2] in "".join(
        how_to.files(block.page).values()
    )


def is_of_the_pages_project(block: Block) -> bool:
    """The files of progress_on_a_page.md, run in Chromium by tests/browser/pieces."""
    if block.page != pieces.PAGE:
        return False
    return block.text.partition("\n")[2] in "".join(pieces.files().values())


def is_a_step_of_deploying(block: Block) -> bool:
    """The steps of the page on deploying, done by tests/deploy/test_deployed_site.py."""
    if block.page != deploying.PAGE or block.language != "sh":
        return False
    known = deploying.commands()
    return all(shlex.split(line) in known for line in commands(block.text))


def is_of_ones_own_project(block: Block) -> bool:
    """What a project of one's own gets and types, done by tests/deploy/test_own_project.py."""
    if block.page != deploying.TUTORIAL:
        return False
    if block.language in {"python", "json"}:
        return textwrap.dedent(block.text) == deploying.own_file(block.language)
    return set(commands(block.text)) <= set(deploying.own_commands())


def is_of_wagtail(block: Block) -> bool:
    """The settings of a site of Wagtail, whose tasks are run by tests/wagtail."""
    return (
        block.page == DOCS / "how_to" / "django_versions.md"
        and block.text.strip() == wagtail.SETTINGS.strip()
    )


def is_of_the_worker_process(block: Block) -> bool:
    """A generator that is closed, run by tests/docs/test_worker_process.py."""
    return block.page == worker_process.PAGE and block.text == worker_process.generator_that_is_closed()


def is_of_options(block: Block) -> bool:
    """OPTIONS of a backend, written out: nothing is wrong with them, and a template is made of them."""
    if block.language != "python" or not block.text.startswith("OPTIONS = {"):
        return False
    options = ast.literal_eval(block.text.partition(" = ")[2])
    given = {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": options}
    resources = document(Options.parse("default", given))["Resources"]
    kinds = [one["Type"] for one in resources.values()]
    return kinds.count("AWS::Scheduler::Schedule") == len(options.get("schedules", {}))


def is_of_the_section_on_tests(block: Block) -> bool:
    """A project's tests, run by tests/plugin/test_nothing_is_sent.py."""
    return block.page == testing.PAGE and block.text in testing.blocks()


def is_made(block: Block) -> bool:
    """Targets of the Makefile: each one's recipe is asked for here; tests/browser runs the demo itself."""
    lines = [shlex.split(line) for line in commands(block.text)]
    return all(words[0] == "make" and _can_be_made(words[1:]) for words in lines)


def is_of_commands(block: Block) -> bool:
    """Our commands and AWS's: their parsers take them; test_troubleshooting.py runs those of its page."""
    return block.language == "sh" and all(is_known(line) for line in commands(block.text))


def is_of_the_times_of_schedules(block: Block) -> bool:
    """Run by tests/unit/conf/test_crontab.py."""
    return block.page == schedule_times.PAGE and block.text in {schedule_times.TASK, schedule_times.OPTIONS}


HOLDERS: list[Callable[[Block], bool]] = [
    is_drawing,
    is_the_layers,
    is_done_in_a_fresh_project,
    is_of_the_tutorial,
    is_of_a_how_to,
    is_of_those_who_come_from_elsewhere,
    is_of_the_pages_project,
    is_a_step_of_deploying,
    is_of_ones_own_project,
    is_of_wagtail,
    is_of_the_worker_process,
    is_of_options,
    is_of_the_times_of_schedules,
    is_of_the_section_on_tests,
    is_made,
    is_of_commands,
]


def is_known(line: str) -> bool:
    """Tell whether a line is a command that could be given."""
    words = shlex.split(line)
    if words[0] == "aws":
        return _is_of_aws(words[1:])
    if words == ["python", "manage.py", "check"]:
        return True
    if words[0] == "export":
        return words[1].partition("=")[0] in {variable.name for variable in own_variables()}
    return arguments_of(line) is not None


def arguments_of(line: str) -> list[str] | None:
    """Return the words of a command of ours that its parser takes, the name first; None for others."""
    found = _MANAGE.match(line)
    if found is None:
        return None
    arguments = shlex.split(found["rest"].partition(" > ")[0].replace("ID", "0" * 32))
    command = found["command"]
    try:
        load_command_class("django_offload", command).create_parser("manage.py", command).parse_args(
            arguments
        )
    except (CommandError, SystemExit, ModuleNotFoundError):
        return None
    return [command, *arguments]


def unknown_options(command: str, rest: str) -> list[str]:
    """Return the options in a command's words that neither it nor an action of it has."""
    parser = load_command_class("django_offload", command).create_parser("manage.py", command)
    helps = parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps += "".join(choice.format_help() for choice in action.choices.values())
    return [word for word in re.findall(r"--[\w-]+", rest) if word not in re.findall(r"--[\w-]+", helps)]


def _can_be_made(words: list[str]) -> bool:
    made = subprocess.run(
        ["make", "--dry-run", "--question", "--old-file=.venv", *words],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    return made.returncode < 2


def _is_of_aws(words: list[str]) -> bool:
    service, operation, *_ = words
    if (service, operation) in AWS_EXTRAS:
        return True
    name = "".join(part.capitalize() for part in operation.split("-"))
    return name in get_session().get_service_model(service).operation_names
