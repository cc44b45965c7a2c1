"""The stacks that TASKS configures, and the template that the project's tasks need for each."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from ..conf import Options, broken_entries, configured
from ..definition.offload_task import OffloadTask
from ..definition.registry import registry
from ..definition.schedules import deployable
from ..definition.task_modules import complete_registry
from ..exceptions import ConfigurationError
from .spec import StackSpec, merge_options
from .stage_environment import NO_STAGE_ENVIRONMENT, StageEnvironment
from .template import build_template


def stacks() -> Mapping[str, list[Options]]:
    """
    Return the options of every alias of this library by the stack they share, in the order of TASKS.

    Raise ConfigurationError if an alias can't be used, because a template without its queues would delete
    them.
    """
    for alias, problem in broken_entries().items():
        raise ConfigurationError(alias, problem, "Correct or remove the entry.")
    options_by_stack: dict[str, list[Options]] = {}
    for options in configured().values():
        options_by_stack.setdefault(options.stack, []).append(options)
    return options_by_stack


def template_of(
    stack: str, *, stage_environment: StageEnvironment = NO_STAGE_ENVIRONMENT, as_json: bool = False
) -> str:
    """Return the template of a stack for a stage. Raise KeyError if no alias names the stack."""
    return build_template(
        with_schedules(stacks()[stack]),
        attempts=attempts_by_queue(),
        result_ttl=longest_result_ttl(),
        stage_environment=stage_environment,
        as_json=as_json,
    )


def spec_of(stack: str, *, stage_environment: StageEnvironment = NO_STAGE_ENVIRONMENT) -> StackSpec:
    """Return what a stack contains, without building its template. Raise KeyError if no alias names it."""
    return merge_options(
        with_schedules(stacks()[stack]),
        attempts=attempts_by_queue(),
        settings_module=None,
        result_ttl=longest_result_ttl(),
        stage_environment=stage_environment,
    )


def with_schedules(aliases: Sequence[Options]) -> list[Options]:
    """
    Return the options of aliases with the schedules of their decorated tasks.

    Raise TaskModuleBroken if a task module can't be imported, and ConfigurationError if a schedule can't be
    deployed, because a template without a schedule would delete it.
    """
    complete_registry()
    return [deployable(options) for options in aliases]


def attempts_by_queue() -> dict[str, int]:
    """Return, for each queue, the largest max_attempts of its tasks."""
    attempts: dict[str, int] = {}
    for task in registry().tasks.values():
        if isinstance(task, OffloadTask) and task.max_attempts is not None:
            attempts[task.queue_name] = max(attempts.get(task.queue_name, 0), task.max_attempts)
    return attempts


def longest_result_ttl() -> timedelta:
    tasks = (task for task in registry().tasks.values() if isinstance(task, OffloadTask))
    return max((task.result_ttl for task in tasks if task.result_ttl), default=timedelta(0))
