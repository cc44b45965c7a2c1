"""What the doctor reports, and how to correct it."""

import os
from dataclasses import asdict, dataclass
from typing import Any

from ...aws import client
from ...aws.loopback import is_loopback
from ...deploy.stage import ENV_STAGE
from ...exceptions import ConfigurationError
from ...stack.layout import layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem, or a note if `wrong` is False."""

    id: str  # Programs rely on it: "queue-missing".
    stack: str | None  # None if it concerns the whole project.
    text: str
    remedy: str  # The command or change that corrects it.
    wrong: bool = True

    def data(self) -> dict[str, Any]:
        """Return the finding as --json prints it."""
        names = {"remedy": "mend"}  # The keys that differ from the attributes.
        return {names.get(name, name): value for name, value in asdict(self).items()}


def finding(name: str, stack: str, text: str, *, remedy: str | None = None, wrong: bool = True) -> Finding:
    """Return a finding about a stack, by its id. The default remedy is to deploy the stack."""
    return Finding(id=name, stack=stack, text=text, remedy=remedy or deploy_remedy(stack), wrong=wrong)


def is_local_aws() -> bool:
    """Return True if the AWS endpoint is on this machine."""
    return is_loopback(client("sqs").meta.endpoint_url)


def deploy_remedy(stack: str, **parameters: str) -> str:
    """Return how to deploy a stack as TASKS describes it, with these parameters of its template."""
    if is_local_aws():
        return "Restart manage.py offload_local."
    stage = stage_of(stack)
    if stage is not None:
        values = " and ".join(f"{name} to {value}" for name, value in parameters.items())
        start = f"Set {values} in infra/{stage}.json, then deploy" if values else "Deploy"
        return f"{start} the stack: manage.py offload_deploy --stage {stage}."
    overrides = " ".join(f"{name}={value}" for name, value in parameters.items())
    return (
        f"Deploy the stack: manage.py offload_template --stack {stack} --output template.yaml, then "
        f"aws cloudformation deploy --stack-name {stack} --template-file template.yaml "
        f"--capabilities CAPABILITY_IAM{' --parameter-overrides ' if overrides else ''}{overrides}."
    )


def log_remedy(function: str) -> str:
    """Return how to read the log of a function."""
    if is_local_aws():
        return "Read its log in the terminal of manage.py offload_local."
    return f"Read its log: aws logs tail /aws/lambda/{function} --since 1d."


def stage_of(stack: str) -> str | None:
    """Return the stage of this process or of the stack's name, or None if infra/ has no file for it."""
    try:
        stages = {file.stem for file in (layout().root / "infra").glob("*.json")}
    except ConfigurationError:
        return None
    stage = os.environ.get(ENV_STAGE, stack.rpartition("-")[2])
    return stage if stage in stages else None
