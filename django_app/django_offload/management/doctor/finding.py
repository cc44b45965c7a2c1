"""What the doctor found, and what mends it."""

import os
from dataclasses import dataclass

from ...aws import client
from ...aws.loopback import is_loopback
from ...deploy.stage import ENV_STAGE
from ...exceptions import ConfigurationError
from ...stack.layout import layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; or, where `wrong` is False, good to know."""

    id: str  # Stable, for programs: "queue-missing".
    stack: str | None  # None: the project's, not one stack's.
    text: str
    mend: str  # The command or change that mends it.
    wrong: bool = True


def local() -> bool:
    """Tell whether AWS is a stand-in on this machine."""
    return is_loopback(client("sqs").meta.endpoint_url)


def deploy(stack: str, **parameters: str) -> str:
    """Return how to deploy a stack as TASKS describes it, with some parameters of its template set."""
    if local():
        return "Start manage.py offload_local again."
    stage = _stage(stack)
    if stage is not None:
        said = " and ".join(f"{name} to {value}" for name, value in parameters.items())
        first = f"Set {said} in infra/{stage}.json, then deploy" if said else "Deploy"
        return f"{first} the stack: manage.py offload_deploy --stage {stage}."
    overrides = " ".join(f"{name}={value}" for name, value in parameters.items())
    return (
        f"Deploy the stack: manage.py offload_template --stack {stack} --output template.yaml, then "
        f"aws cloudformation deploy --stack-name {stack} --template-file template.yaml "
        f"--capabilities CAPABILITY_IAM{' --parameter-overrides ' if overrides else ''}{overrides}."
    )


def log_of(function: str) -> str:
    """Return how to read what a function said."""
    if local():
        return "See what it says in the terminal of manage.py offload_local."
    return f"See its log: aws logs tail /aws/lambda/{function} --since 1d."


def _stage(stack: str) -> str | None:
    """Return the stage that a stack is deployed as: this process's, or one of its name; None if none is."""
    try:
        names = {file.stem for file in (layout().root / "infra").glob("*.json")}
    except ConfigurationError:
        return None
    told = os.environ.get(ENV_STAGE, stack.rpartition("-")[2])
    return told if told in names else None
