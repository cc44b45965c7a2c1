"""The functions, and what starts them, as they are deployed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...aws import client
from ...conf import ENV_STACK
from ...stack import StackSpec, limits
from ...stack.names import DEAD_LETTER, SWEEPER, worker
from ...stack.versions import LIVE
from .finding import Finding, deploy, local


def examine(plan: StackSpec) -> Iterator[Finding]:
    """Look at every function, its event source mappings, and the sweeper's schedule."""
    stopped: list[str] = []
    for name, queue in plan.queues.items():
        choices = limits.timeouts(queue.timeout)
        yield from _function(plan, worker(name), limits.seconds(queue.timeout), queue.memory, choices)
        wanted = (queue.batch_size, limits.seconds(queue.batch_window), queue.max_concurrency)
        yield from _mapping(plan, worker(name), plan.options.queue(name), wanted, stopped)
    yield from _function(plan, DEAD_LETTER, limits.seconds(limits.SERVICE_TIMEOUT), limits.SERVICE_MEMORY)
    for name in plan.queues:
        queue_name = plan.options.dead_letter_queue(name)
        wanted = (limits.DEAD_LETTER_BATCH, 0, limits.DEAD_LETTER_CONCURRENCY)
        yield from _mapping(plan, DEAD_LETTER, queue_name, wanted, stopped)
    yield from _function(plan, SWEEPER, limits.seconds(limits.SERVICE_TIMEOUT), limits.SERVICE_MEMORY)
    yield from _schedule(plan, stopped)
    if stopped:
        yield _stopped(plan, stopped)


def deployed(plan: StackSpec, role: str) -> Mapping[str, Any] | None:
    """Return a function as it is deployed, None if there is none."""
    awslambda = client("lambda")
    try:
        found: Mapping[str, Any] = awslambda.get_function_configuration(
            FunctionName=plan.options.function(role)
        )
    except awslambda.exceptions.ResourceNotFoundException:
        return None
    return found


def _function(
    plan: StackSpec, role: str, timeout: int, memory: int, choices: Sequence[int] = ()
) -> Iterator[Finding]:
    """Look at a function; `choices` are the timeouts that a stage may give it."""
    name, found = plan.options.function(role), deployed(plan, role)

    def finding(what: str, text: str, *, wrong: bool = True) -> Finding:
        text = f"The function {name} {text}"
        return Finding(id=what, stack=plan.stack, text=text, mend=deploy(plan.stack), wrong=wrong)

    if found is None:
        yield finding("function-missing", "does not exist.")
        return
    if found["Timeout"] != timeout:
        text = f"has a timeout of {found['Timeout']} s, TASKS says {timeout} s."
        yield finding("other-timeout", text, wrong=found["Timeout"] not in choices)
    if found["MemorySize"] < memory:
        yield finding("memory-too-small", f"has {found['MemorySize']} MB, TASKS says {memory} MB.")
    stack = found.get("Environment", {}).get("Variables", {}).get(ENV_STACK)
    if stack != plan.stack:
        yield finding("function-of-another-stack", f"has {ENV_STACK}={stack or ''} in its environment.")
    if found.get("State") == "Failed":
        yield finding("function-failed", f"cannot run: {found.get('StateReason', 'AWS gives no reason.')}")


def _mapping(
    plan: StackSpec, role: str, queue: str, wanted: tuple[int, int, int], stopped: list[str]
) -> Iterator[Finding]:
    name = plan.options.function(role)
    found = _mapping_of(name, queue)

    def finding(what: str, text: str) -> Finding:
        return Finding(id=what, stack=plan.stack, text=text, mend=deploy(plan.stack))

    if found is None:
        yield finding("mapping-missing", f"No event source mapping feeds the function {name} from {queue}.")
        return
    if found["State"] not in {"Enabled", "Enabling", "Creating", "Updating"}:
        stopped.append(f"the mapping of {queue}")
    if "ReportBatchItemFailures" not in found.get("FunctionResponseTypes", []):
        yield finding(
            "no-partial-batch",
            f"The event source mapping of {queue} has no ReportBatchItemFailures: what a worker gives back "
            "is deleted, and such tasks wait for the sweeper.",
        )
    yield from _feeding(plan, queue, found, *wanted)


def _feeding(
    plan: StackSpec, queue: str, found: Mapping[str, Any], batch: int, window: int, most: int
) -> Iterator[Finding]:
    """Compare how a mapping feeds its function with what TASKS says."""

    def finding(what: str, text: str, *, wrong: bool = True) -> Finding:
        return Finding(
            id=what, stack=plan.stack, text=f"{queue} {text}.", mend=deploy(plan.stack), wrong=wrong
        )

    size, waits = found["BatchSize"], found.get("MaximumBatchingWindowInSeconds", 0)
    if size != batch:
        yield finding("other-batch-size", f"is read in batches of {size}, TASKS says {batch}")
    if waits != window:
        yield finding("other-batch-window", f"waits {waits} s for a batch to fill, TASKS says {window} s")
    at_once = found.get("ScalingConfig", {}).get("MaximumConcurrency")
    if at_once is None:
        yield finding("no-concurrency-limit", f"has no limit of workers at a time, TASKS says {most}")
    elif at_once != most:
        # A stage may choose another: said, and not wrong.
        text = f"has at most {at_once} workers at a time, TASKS says {most}"
        yield finding("other-concurrency", text, wrong=False)


def _mapping_of(function: str, queue: str) -> Mapping[str, Any] | None:
    awslambda = client("lambda")
    pages = awslambda.get_paginator("list_event_source_mappings")
    # Of a function, AWS lists what feeds itself, not what feeds its aliases.
    for name in (f"{function}:{LIVE}", function):
        try:
            for page in pages.paginate(FunctionName=name):
                for mapping in page["EventSourceMappings"]:
                    if mapping["EventSourceArn"].rpartition(":")[2] == queue:
                        return mapping  # type: ignore[no-any-return]
        except awslambda.exceptions.ResourceNotFoundException:
            continue  # There is no alias; that the function itself is missing is said elsewhere.
    return None


def _schedule(plan: StackSpec, stopped: list[str]) -> Iterator[Finding]:
    name, events = plan.options.function(SWEEPER), client("events")
    try:
        rule = events.describe_rule(Name=name)
    except events.exceptions.ResourceNotFoundException:
        text = f"No rule {name} starts the sweeper: what is lost or waits for its time is never sent."
        yield Finding(id="schedule-missing", stack=plan.stack, text=text, mend=deploy(plan.stack))
        return
    if rule["State"] != "ENABLED":
        stopped.append("the sweeper's schedule")


def _stopped(plan: StackSpec, stopped: list[str]) -> Finding:
    """Return what it means that AWS was told to start nothing."""
    if local():
        text = (
            "Event source mappings and schedule are disabled in the local AWS: offload_local does their work."
        )
        mend = "Keep manage.py offload_local running."
        return Finding(id="local", stack=plan.stack, text=text, mend=mend, wrong=False)
    return Finding(
        id="disabled",
        stack=plan.stack,
        text=f"Disabled: {', '.join(stopped)}. Messages wait, and nothing is swept.",
        mend=deploy(plan.stack, MappingsEnabled="true", Paused="false"),
    )
