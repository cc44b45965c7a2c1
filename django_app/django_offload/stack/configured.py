"""The stacks that TASKS configures, and their templates as the project's tasks need them."""

from collections.abc import Mapping
from datetime import timedelta

from ..conf import Options, configured
from ..definition.offload_task import OffloadTask
from ..definition.registry import registry
from .plan import Plan, unite
from .stage_environment import NO_SURROUNDINGS, Surroundings
from .template import build


def stacks() -> Mapping[str, list[Options]]:
    """Return the options of every alias of ours, by the stack they share, in the order of TASKS."""
    found: dict[str, list[Options]] = {}
    for options in configured().values():
        found.setdefault(options.stack, []).append(options)
    return found


def template_of(stack: str, *, surroundings: Surroundings = NO_SURROUNDINGS, as_json: bool = False) -> str:
    """Return the template of a stack, in a stage's surroundings. Raise KeyError if no alias names it."""
    return build(
        stacks()[stack],
        attempts=_attempts(),
        result_ttl=_longest_result_ttl(),
        surroundings=surroundings,
        as_json=as_json,
    )


def plan_of(stack: str, *, surroundings: Surroundings = NO_SURROUNDINGS) -> Plan:
    """Return what a configured stack needs, without its template. Raise KeyError if no alias names it."""
    return unite(
        stacks()[stack],
        attempts=_attempts(),
        settings_module=None,
        result_ttl=_longest_result_ttl(),
        surroundings=surroundings,
    )


def _attempts() -> dict[str, int]:
    """Return the largest max_attempts of any task, by queue."""
    found: dict[str, int] = {}
    for task in registry().tasks.values():
        if isinstance(task, OffloadTask) and task.max_attempts is not None:
            found[task.queue_name] = max(found.get(task.queue_name, 0), task.max_attempts)
    return found


def _longest_result_ttl() -> timedelta:
    tasks = (task for task in registry().tasks.values() if isinstance(task, OffloadTask))
    return max((task.result_ttl for task in tasks if task.result_ttl), default=timedelta(0))
