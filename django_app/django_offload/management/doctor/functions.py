"""Compare the deployed functions, and what starts them, with TASKS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...aws import client
from ...conf import ENV_STACK
from ...stack import StackSpec, limits
from ...stack.names import DEAD_LETTER, SWEEPER, worker
from ...stack.versions import LIVE
from .finding import Finding, deploy_remedy, finding, is_local_aws


def check_functions(plan: StackSpec) -> Iterator[Finding]:
    """Check every function, its event source mappings, and the sweeper's schedule."""
    disabled: list[str] = []
    service_timeout = limits.seconds(limits.SERVICE_TIMEOUT)
    for name, queue in plan.queues.items():
        role, timeout = worker(name), limits.seconds(queue.timeout)
        yield from check_function(plan, role, timeout, queue.memory, limits.timeouts(queue.timeout))
        yield from check_mapping(
            plan,
            role,
            plan.options.queue(name),
            batch_size=queue.batch_size,
            batch_window=limits.seconds(queue.batch_window),
            max_concurrency=queue.max_concurrency,
            pollers=queue.pollers,
            disabled=disabled,
        )
    yield from check_function(plan, DEAD_LETTER, service_timeout, limits.SERVICE_MEMORY)
    for name in plan.queues:
        yield from check_mapping(
            plan,
            DEAD_LETTER,
            plan.options.dead_letter_queue(name),
            batch_size=limits.DEAD_LETTER_BATCH,
            batch_window=0,
            max_concurrency=limits.DEAD_LETTER_CONCURRENCY,
            disabled=disabled,
        )
    yield from check_function(plan, SWEEPER, service_timeout, limits.SWEEPER_MEMORY)
    yield from check_schedule(plan, disabled)
    if disabled and is_local_aws():
        text = "Local AWS disables event source mappings and schedule, because offload_local does their work."
        remedy = "Keep manage.py offload_local running."
        yield finding("local", plan.stack, text, remedy=remedy, wrong=False)
    elif disabled:
        yield finding(
            "disabled",
            plan.stack,
            f"Disabled: {', '.join(disabled)}. Messages wait, and the sweeper doesn't run.",
            remedy=deploy_remedy(plan.stack, MappingsEnabled="true", Paused="false"),
        )


def function_configuration(plan: StackSpec, role: str) -> Mapping[str, Any] | None:
    """Return the configuration of a deployed function, or None if there is none."""
    awslambda = client("lambda")
    try:
        return dict(awslambda.get_function_configuration(FunctionName=plan.options.function(role)))
    except awslambda.exceptions.ResourceNotFoundException:
        return None


def check_function(
    plan: StackSpec, role: str, timeout: int, memory: int, stage_timeouts: Sequence[int] = ()
) -> Iterator[Finding]:
    """Check a function. One of the timeouts that a stage may choose is only a note."""
    stack, function = plan.stack, f"The function {plan.options.function(role)}"
    configuration = function_configuration(plan, role)
    if configuration is None:
        yield finding("function-missing", stack, f"{function} does not exist.")
        return
    if configuration["Timeout"] != timeout:
        text = f"{function} has a timeout of {configuration['Timeout']} s, but TASKS says {timeout} s."
        wrong = configuration["Timeout"] not in stage_timeouts
        yield finding("other-timeout", stack, text, wrong=wrong)
    if configuration["MemorySize"] < memory:
        text = f"{function} has {configuration['MemorySize']} MB, but TASKS says {memory} MB."
        yield finding("memory-too-small", stack, text)
    function_stack = configuration.get("Environment", {}).get("Variables", {}).get(ENV_STACK)
    if function_stack != stack:
        text = f"{function} has {ENV_STACK}={function_stack or ''} in its environment."
        yield finding("function-of-another-stack", stack, text)
    if configuration.get("State") == "Failed":
        reason = configuration.get("StateReason", "AWS gives no reason.")
        yield finding("function-failed", stack, f"{function} can't run: {reason}")


def check_mapping(
    plan: StackSpec,
    role: str,
    queue: str,
    *,
    batch_size: int,
    batch_window: int,
    max_concurrency: int,
    pollers: tuple[int, int] | None = None,
    disabled: list[str],
) -> Iterator[Finding]:
    """Check the event source mapping of a queue. If it is disabled, add it to `disabled`."""
    stack, function = plan.stack, plan.options.function(role)
    mapping = find_mapping(function, queue)
    if mapping is None:
        text = f"No event source mapping feeds the function {function} from {queue}."
        yield finding("mapping-missing", stack, text)
        return
    if mapping["State"] not in {"Enabled", "Enabling", "Creating", "Updating"}:
        disabled.append(f"the mapping of {queue}")
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
        yield finding(
            "no-partial-batch",
            stack,
            f"The event source mapping of {queue} has no ReportBatchItemFailures. AWS deletes the messages "
            "that a worker returns, so their tasks wait for the sweeper.",
        )
    if mapping["BatchSize"] != batch_size:
        text = f"{queue} is read in batches of {mapping['BatchSize']}, but TASKS says {batch_size}."
        yield finding("other-batch-size", stack, text)
    mapping_window = mapping.get("MaximumBatchingWindowInSeconds", 0)
    if mapping_window != batch_window:
        text = f"{queue} waits {mapping_window} s for a batch to fill, but TASKS says {batch_window} s."
        yield finding("other-batch-window", stack, text)
    yield from check_pollers(stack, queue, mapping, pollers)
    if pollers is None:
        yield from check_concurrency(stack, queue, mapping, max_concurrency)


def check_concurrency(
    stack: str, queue: str, mapping: Mapping[str, Any], max_concurrency: int
) -> Iterator[Finding]:
    """Check how many invocations a mapping may run at the same time."""
    mapping_concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
    if mapping_concurrency is None:
        text = f"{queue} has no limit of concurrent workers, but TASKS says {max_concurrency}."
        yield finding("no-concurrency-limit", stack, text)
    elif mapping_concurrency != max_concurrency:
        # Only a note, because a stage may choose another limit.
        text = (
            f"{queue} has at most {mapping_concurrency} concurrent workers, but TASKS says {max_concurrency}."
        )
        yield finding("other-concurrency", stack, text, wrong=False)


def check_pollers(
    stack: str, queue: str, mapping: Mapping[str, Any], pollers: tuple[int, int] | None
) -> Iterator[Finding]:
    """Check the pollers that AWS keeps for a queue alone. They cost money as long as they are there."""
    # Local AWS can't keep pollers.
    if is_local_aws():
        return
    config = mapping.get("ProvisionedPollerConfig") or {}
    deployed = (config.get("MinimumPollers"), config.get("MaximumPollers")) if config else None
    if deployed != pollers:
        text = f"{queue} has the pollers {shown_pollers(deployed)}, but TASKS says {shown_pollers(pollers)}."
        yield finding("other-pollers", stack, text)


def shown_pollers(pollers: tuple[int | None, int | None] | None) -> str:
    return "of AWS's choice" if pollers is None else f"{pollers[0]} to {pollers[1]}"


def find_mapping(function: str, queue: str) -> Mapping[str, Any] | None:
    """Return the mapping from a queue to a function or its alias, or None if there is none."""
    awslambda = client("lambda")
    pages = awslambda.get_paginator("list_event_source_mappings")
    # For the name of a function, AWS doesn't list the mappings of its aliases.
    for name in (f"{function}:{LIVE}", function):
        try:
            for page in pages.paginate(FunctionName=name):
                for mapping in page["EventSourceMappings"]:
                    if mapping["EventSourceArn"].rpartition(":")[2] == queue:
                        return mapping  # type: ignore[no-any-return]
        except awslambda.exceptions.ResourceNotFoundException:
            continue  # There is no alias. check_function() reports a missing function.
    return None


def check_schedule(plan: StackSpec, disabled: list[str]) -> Iterator[Finding]:
    """Check that a rule starts the sweeper. If the rule is disabled, add it to `disabled`."""
    name, events = plan.options.function(SWEEPER), client("events")
    try:
        rule = events.describe_rule(Name=name)
    except events.exceptions.ResourceNotFoundException:
        text = f"No rule {name} starts the sweeper, so lost messages and later tasks are never sent."
        yield finding("schedule-missing", plan.stack, text)
        return
    if rule["State"] != "ENABLED":
        disabled.append("the sweeper's schedule")
