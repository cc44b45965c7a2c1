"""
What can go wrong when a site is packaged and deployed.

    OffloadError
    └── DeployError
        ├── PackageFailed       the package cannot be built
        ├── PackageTooLarge     Lambda would refuse it
        ├── WrongPackage        the package was built for other functions than the stage has
        ├── BadStage            the stage file is missing or says something else than it should
        ├── ChecksFailed        the settings would not run as the stage has them
        ├── BucketTaken         the bucket for packages cannot be this account's
        ├── NotDeployed         there is no stack, or no release, of what was asked for
        ├── WrongStage          the stack is there, and is not this stage's
        ├── StackStuck          CloudFormation takes no change of the stack as it is
        ├── ChangeRefused       CloudFormation cannot make the change set
        ├── StackChangeFailed   CloudFormation began the change and gave it up
        ├── MigrationFailed     the migrations did not run to their end
        └── WebFailed           Zappa did not deploy the web side
"""

from collections.abc import Sequence

from ..exceptions import OffloadError


class DeployError(OffloadError):
    """A step of a deployment failed."""


class PackageFailed(DeployError):
    """The package cannot be built."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"The package was not built: {problem} {remedy}")


class PackageTooLarge(DeployError):
    """The package is larger than Lambda takes."""

    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(
            f"The package unzips to {size / 2**20:.0f} MiB and Lambda takes {limit / 2**20:.0f} MiB at most. "
            "Take requirements out, or move files that only pages need to a bucket."
        )


class WrongPackage(DeployError):
    """The package would not run on what the stage's functions are."""

    def __init__(self, path: object, made_for: str, wanted: str, stage: str, architecture: str) -> None:
        super().__init__(
            f"{path} is built for {made_for}, and the functions of the stage '{stage}' are {wanted}. Nothing "
            f"was changed. Build it anew with manage.py offload_package --stage {stage} --architecture "
            f"{architecture}, or deploy without --package."
        )


class BadStage(DeployError):
    """The file of a stage cannot be used."""

    def __init__(self, file: object, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {problem} {remedy}")


class ChecksFailed(DeployError):
    """The settings would not run as the stage's functions have them."""

    def __init__(self, stage: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"The stage '{stage}' would not run; nothing was uploaded. {' '.join(problems)} Correct that, or "
            "deploy all the same with --skip-checks."
        )


class BucketTaken(DeployError):
    """The bucket for packages is not to be trusted with code."""

    def __init__(self, bucket: str) -> None:
        super().__init__(
            f"The bucket {bucket} is there, and is another account's or closed to you; nothing was uploaded. "
            "Ask for s3:ListBucket on it, or, if it is not yours, choose another OPTIONS['stack']."
        )


class NotDeployed(DeployError):
    """What was asked for is not there."""

    def __init__(self, stack: str, what: str, remedy: str) -> None:
        super().__init__(f"The stack {stack} {what}. {remedy}")


class WrongStage(DeployError):
    """The stack belongs to somebody else."""

    def __init__(self, stack: str, whose: str, stage: str) -> None:
        super().__init__(
            f"The stack {stack} is that of {whose}; the stage '{stage}' would replace it. Nothing was "
            "changed. Give each stage a stack of its own in the settings, by the environment variable that "
            "offload_deploy sets: OPTIONS = {\"stack\": f\"shop-{os.environ.get('OFFLOAD_STAGE', 'dev')}\"}."
        )


class StackStuck(DeployError):
    """CloudFormation takes no change of a stack in this state."""

    def __init__(self, stack: str, status: str, stage: str) -> None:
        super().__init__(f"The stack {stack} is {status}. {_way_out(stack, status, stage)}")


def _way_out(stack: str, status: str, stage: str) -> str:
    """Return what brings a stack back to where it can be changed."""
    if status.endswith("_IN_PROGRESS"):
        return "Wait until CloudFormation has ended what it does, then deploy again."
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            f"Mend what the stack's events name, run: aws cloudformation continue-update-rollback "
            f"--stack-name {stack}, then deploy again."
        )
    return f"Delete what is left with manage.py offload_deploy --stage {stage} --delete, then deploy again."


class ChangeRefused(DeployError):
    """CloudFormation cannot make a change set."""

    def __init__(self, stack: str, reason: str) -> None:
        super().__init__(
            f"CloudFormation refuses the change of the stack {stack}: {reason.rstrip('.')}. Nothing was "
            "changed. Correct TASKS or the stage file, and look at the template with "
            "manage.py offload_template."
        )


class StackChangeFailed(DeployError):
    """CloudFormation began to change a stack and gave it up."""

    def __init__(self, stack: str, status: str, reasons: Sequence[str]) -> None:
        self.status, self.reasons = status, tuple(reasons)
        said = "; ".join(reason.rstrip(".") for reason in reasons) or "CloudFormation gives no reason"
        back = (
            f"run: aws cloudformation continue-update-rollback --stack-name {stack}, and "
            if status == "UPDATE_ROLLBACK_FAILED"
            else ""
        )
        super().__init__(
            f"The stack {stack} is {status}: {said}. Correct what the reasons name, then {back}deploy again."
        )


class MigrationFailed(DeployError):
    """The migrations did not run to their end."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(
            f"The migrations, run by the function {function}, failed: {reason.rstrip('.')}. "
            "What was migrated stays so. Correct the cause, then deploy again; a variable or secret that is "
            "new in the stage's file gets there by a deployment with --no-migrate."
        )


class WebFailed(DeployError):
    """Zappa did not deploy the web side."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(
            f"The workers are deployed, the web is not: {reason.rstrip('.')}. Mend it, then run: {command}"
        )
