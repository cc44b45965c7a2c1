"""The limits of AWS that a stack as a whole must keep, checked before anything is built or deployed."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..conf import (
    ENV_ALIAS,
    ENV_BUCKET,
    ENV_QUEUE_URLS,
    ENV_RELEASE,
    ENV_SECRETS,
    ENV_SHARDS,
    ENV_STACK,
    ENV_WRITES,
    WRITES_BY_UPDATE,
    aws_limits,
)
from ..exceptions import ConfigurationError
from .layout import python_path

if TYPE_CHECKING:
    from .spec import StackSpec

# What the template has, whatever TASKS says, and for each queue. A test counts them in real templates.
RESOURCES, PARAMETERS, OUTPUTS = 38, 21, 4
RESOURCES_OF_QUEUE, PARAMETERS_OF_QUEUE, OUTPUTS_OF_QUEUE = 16, 3, 2
# What else there is for the bucket (with its output), the schedules, a queue of LambdaBackend, and an index.
BUCKET, SCHEDULING, INVOKED_QUEUE, INDEX = 2, 2, 2, 1
LIMITS = {
    "resources": aws_limits.TEMPLATE_RESOURCES,
    "parameters": aws_limits.TEMPLATE_PARAMETERS,
    "outputs": aws_limits.TEMPLATE_OUTPUTS,
}
# offload_deploy deploys the one stack of its settings.
SMALLER = (
    "Use fewer queues and schedules, or move some of them to another OPTIONS['stack'], which a settings "
    "module of its own names and deploys."
)
# The longest text that a release has, that of an account, and the longest name of a region.
RELEASE = "20260101T000000000000Z-00000000"
ACCOUNT, REGION = "000000000000", "ap-southeast-1"


def check_limits(spec: "StackSpec") -> None:
    """Raise ConfigurationError if AWS would refuse the stack because it is too large."""
    for problem, hint in limit_problems(spec):
        raise ConfigurationError(spec.options.alias, problem, hint)


def limit_problems(spec: "StackSpec") -> Iterator[tuple[str, str]]:
    """Yield each limit that the stack exceeds as a text and a hint."""
    queues, schedules = len(spec.queues), len(spec.schedules)
    for kind, total in totals(spec).items():
        if total > LIMITS[kind]:
            yield (
                f"The stack '{spec.stack}' needs {total} {kind} for its {queues} queues and {schedules} "
                f"schedules, and CloudFormation takes {LIMITS[kind]} in a template.",
                SMALLER,
            )
            return
    size = size_of(function_variables(spec))
    if size > aws_limits.FUNCTION_VARIABLES:
        yield too_many_variables(spec, "The functions of", size)


def totals(spec: "StackSpec") -> dict[str, int]:
    """Return how many resources, parameters and outputs the stack's template will have."""
    queues, schedules, has_bucket = len(spec.queues), len(spec.schedules), spec.options.bucket is not None
    of_queue = RESOURCES_OF_QUEUE + (INVOKED_QUEUE if spec.sends_by_lambda else 0)
    return {
        "resources": RESOURCES
        + of_queue * queues
        + INDEX * len(spec.indexes)
        + (BUCKET if has_bucket else 0)
        + (schedules + SCHEDULING if schedules else 0),
        # A queue with pollers of its own has no maximum of concurrent invocations.
        "parameters": PARAMETERS
        + PARAMETERS_OF_QUEUE * queues
        - sum(queue.pollers is not None for queue in spec.queues.values()),
        "outputs": OUTPUTS + OUTPUTS_OF_QUEUE * queues + has_bucket,
    }


def too_many_variables(spec: "StackSpec", whose: str, size: int) -> tuple[str, str]:
    """Return a text and a hint that say how large the variables are, and what the stack's own take."""
    own = size_of(function_variables(spec)) - size_of(spec.environment)
    return (
        f"{whose} the stack '{spec.stack}' would have up to {size:,} bytes of variables, and Lambda takes "
        f"{aws_limits.FUNCTION_VARIABLES:,}. The stack's own take {own:,}, mostly for the URLs of its "
        "queues.",
        f"Move long values of the stage's file into a secret or a file of the project. {SMALLER}",
    )


def size_of(variables: Mapping[str, str]) -> int:
    """Return the size of variables as Lambda counts it: the bytes of all names and values."""
    return sum(len(name.encode()) + len(value.encode(errors="replace")) for name, value in variables.items())


def function_variables(spec: "StackSpec") -> dict[str, str]:
    """Return the variables that a deployed function has, with the longest values that AWS may give them."""
    from .versions import LIVE  # Imported here, because it needs the specification of a stack itself.

    region = spec.target.region if spec.target is not None else REGION
    host = f"https://sqs.{region}.amazonaws.com"
    urls = {name: f"{host}/{ACCOUNT}/{spec.options.queue(name)}" for name in spec.queues}
    variables = {
        "PYTHONPATH": python_path(),
        ENV_STACK: spec.stack,
        ENV_QUEUE_URLS: json.dumps(urls, separators=(",", ":")),
        ENV_ALIAS: LIVE,
        ENV_RELEASE: RELEASE,
        ENV_WRITES: WRITES_BY_UPDATE,
        ENV_SHARDS: spec.written_and_read_shards,
    }
    settings_module = spec.settings_module or os.environ.get("DJANGO_SETTINGS_MODULE")
    if settings_module:
        variables["DJANGO_SETTINGS_MODULE"] = settings_module
    if spec.options.bucket is not None:
        variables[ENV_BUCKET] = spec.options.bucket.replace("<stack>", spec.stack).replace(
            "<account>-<region>", f"{ACCOUNT}-{region}"
        )
    if spec.secrets:
        variables[ENV_SECRETS] = json.dumps(dict(sorted(spec.secrets.items())), separators=(",", ":"))
    return {**variables, **spec.environment}
