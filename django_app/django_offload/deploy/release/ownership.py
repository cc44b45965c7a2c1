"""What stands under the stack's name already: whose it is, and whether it can be changed now."""

from ..errors import StackStuck, WrongStage
from ..stage import Stage
from .aws import AWS
from .change_set import described

TAG = "offload:stage"
_OF_ZAPPA = "ZappaProject"
# Of a change set that was looked at and left; nothing is being done.
_ONLY_LOOKED_AT = "REVIEW_IN_PROGRESS"


def check_stage(stage: Stage, other: str | None) -> None:
    """Raise WrongStage where the stack is that of `other`, another stage."""
    if other is not None and other != stage.name:
        raise WrongStage(stage.stack, f"the stage '{other}'", stage.name)


def check_owner(aws: AWS, stage: Stage) -> None:
    """Raise WrongStage where the stack that is there belongs to another stage, or to Zappa."""
    found = described(aws, stage.stack) or {}
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    check_stage(stage, tags.get(TAG))
    if _OF_ZAPPA in tags:
        raise WrongStage(stage.stack, "Zappa's API Gateway", stage.name)


def check_rest(aws: AWS, stage: Stage) -> None:
    """Raise StackStuck where CloudFormation takes no change of the stack."""
    status = str((described(aws, stage.stack) or {}).get("StackStatus", ""))
    if status.endswith(("_IN_PROGRESS", "_FAILED")) and status != _ONLY_LOOKED_AT:
        raise StackStuck(stage.stack, status, stage.name)
