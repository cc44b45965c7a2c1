"""What a newcomer does in a terminal: one command each, and it does what the table says."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from django_offload.protocol.transitions import succeed
from tests.contract import tasks as contract
from tests.docs.pages import DOCS, sections
from tests.docs.symptoms import (
    OVER,
    comes_to,
    failed_in_every_way,
    is_at_work,
    is_in_the_queue,
    ran,
    was_given_up_in_every_way,
)
from tests.docs.world import World
from tests.integration.setup import record_of, store
from tests.scaffold import readme

(SECTION,) = [
    one for one in sections(DOCS / "how_to" / "everyday_tasks.md") if one.title.startswith("By one command")
]
# What is only clicked has none; tests/browser/test_newcomer.py clicks.
COMMANDS = {row[0]: row[1].strip("`") for row in SECTION.rows if row[1] != "–"}
START = "start the site, AWS and workers on this machine"


def goes_on(world: World) -> str:
    """It is at work, comes further while somebody looks, and returns."""
    task_id = is_at_work(world)
    outcome = succeed(
        fence=1, token="another", now=datetime.now(UTC), result_ttl=OVER, stored={"result": "10"}
    )
    world.meanwhile.extend([lambda: comes_to(task_id, 7), lambda: store().change(task_id, outcome)])
    return task_id


def failed(world: World) -> str:
    result = contract.raises_value_error.enqueue()
    world.aws.run()
    return result.id


# What to do -> what there is, what the command says, and the state of the task after it.
CASES: dict[str, tuple[Callable[[World], str], str, str | None]] = {
    "see a task's progress until it ends": (goes_on, "7 of 10, step 7", "SUCCESSFUL"),
    "find what failed": (failed_in_every_way, "ValueError", "FAILED"),
    "read its traceback": (failed, 'raise ValueError("The stock is negative")', "FAILED"),
    "run it again": (failed, "READY again, and sent.", "READY"),
    "redrive a dead letter": (was_given_up_in_every_way, "READY again, and sent.", "READY"),
    "redrive every dead letter of a cause": (was_given_up_in_every_way, "READY again, and sent.", None),
    "cancel a task": (is_in_the_queue, "django_offload.exceptions.Cancelled", "FAILED"),
    "see how deep the queues are, as it changes": (is_in_the_queue, "default        1        0", "READY"),
    "read a result": (ran, "return_value  2", "SUCCESSFUL"),
    "find out what is wrong": (ran, "No problems found.", "SUCCESSFUL"),
}


def test_each_thing_takes_one_command_and_is_tried() -> None:
    assert list(COMMANDS) == [START, *CASES]
    assert all(command.startswith("python manage.py offload_") for command in COMMANDS.values())
    assert not any(set("|;&") & set(command) for command in COMMANDS.values())


def test_the_start_is_the_command_that_fresh_projects_give() -> None:
    """tests/scaffold/test_readme.py starts sites by it."""
    assert COMMANDS[START] in readme.commands()


@pytest.mark.parametrize("what", CASES)
def test_the_command_does_it(what: str, world: World) -> None:
    case, said, state = CASES[what]
    task_id = case(world)

    shown = world.type(COMMANDS[what], task_id)

    world.back()
    assert said in shown
    assert state in (None, record_of(task_id).status)
