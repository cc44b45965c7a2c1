"""
The errors of packaging and deploying a site.

    OffloadError
    └── DeployError
        ├── PackageFailed       The package cannot be built.
        ├── PackageTooLarge     Lambda would refuse it.
        ├── WrongPackage        The package was built for another runtime or processor.
        ├── BadStage            The stage's file is missing or invalid.
        ├── ChecksFailed        The settings would not run in the stage's functions.
        ├── WrongAccount        Zappa's settings and the environment name different accounts.
        ├── BucketTaken         The bucket for packages doesn't belong to this account.
        ├── NotDeployed         The stack or the release doesn't exist.
        ├── WrongStage          The stack belongs to another stage, or to Zappa.
        ├── StackStuck          CloudFormation accepts no change in the stack's state.
        ├── ChangeTooEarly      Another deployment, or some time, must come before this one.
        ├── ChangeRefused       CloudFormation cannot create the change set.
        ├── StackChangeFailed   CloudFormation started the change, and it failed.
        ├── StackDeleteFailed   CloudFormation started the deletion, and it failed.
        ├── MigrationFailed     The migrations failed.
        └── WebFailed           Zappa could not deploy the web side.
"""

from collections.abc import Sequence

from ..exceptions import OffloadError


class DeployError(OffloadError):
    """A step of a deployment failed."""


class PackageFailed(DeployError):
    """The package cannot be built."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"The package was not built. {problem} {remedy}")


class PackageTooLarge(DeployError):
    """The package is larger than Lambda accepts."""

    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(
            f"The unzipped package has {size / 2**20:.0f} MiB, but Lambda accepts at most "
            f"{limit / 2**20:.0f} MiB. Remove requirements, or move files that only pages need to a bucket."
        )


class WrongPackage(DeployError):
    """The package was built for another runtime or processor than the stage's functions have."""

    def __init__(self, path: object, built_for: str, required: str, stage: str, architecture: str) -> None:
        super().__init__(
            f"{path} is built for {built_for}, but the functions of the stage '{stage}' use {required}. "
            f"Nothing was changed. Build a new package with manage.py offload_package --stage {stage} "
            f"--architecture {architecture}, or deploy without --package."
        )


class BadStage(DeployError):
    """The file of a stage is missing or invalid."""

    def __init__(self, file: object, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {problem} {remedy}")


class ChecksFailed(DeployError):
    """The settings would not run in the stage's functions."""

    def __init__(self, stage: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"The stage '{stage}' would not run, so nothing was uploaded. {' '.join(problems)} Correct this, "
            "or deploy anyway with --skip-checks."
        )


class WrongAccount(DeployError):
    """Zappa's settings and the environment name credentials of different accounts."""

    def __init__(self, file: str, profile: str, account: str, variable: str, other: str) -> None:
        super().__init__(
            f"{file} names the profile '{profile}' of the account {account}, but {variable} names "
            f"credentials of the account {other}. Nothing was changed, because stack and web side use the "
            f"same credentials. Unset {variable}, or correct or remove 'profile_name'."
        )


class BucketTaken(DeployError):
    """The bucket for packages doesn't belong to this account, or denies it access."""

    def __init__(self, bucket: str) -> None:
        super().__init__(
            f"The bucket {bucket} exists, but it belongs to another account or denies you access. Nothing "
            "was uploaded. Ask for s3:ListBucket on it, or choose another OPTIONS['stack'] if it isn't yours."
        )


class NotDeployed(DeployError):
    """The stack or the release doesn't exist."""

    def __init__(self, stack: str, problem: str, remedy: str) -> None:
        super().__init__(f"The stack {stack} {problem}. {remedy}")


class WrongStage(DeployError):
    """The stack belongs to another stage, or to Zappa."""

    def __init__(self, stack: str, owner: str, stage: str) -> None:
        super().__init__(
            f"The stack {stack} belongs to {owner}, and the stage '{stage}' would replace it. Nothing was "
            "changed. Give each stage its own stack in the settings, with the environment variable that "
            "offload_deploy sets: OPTIONS = {\"stack\": f\"shop-{os.environ.get('OFFLOAD_STAGE', 'dev')}\"}."
        )


class StackStuck(DeployError):
    """CloudFormation accepts no change of a stack in this state."""

    def __init__(self, stack: str, status: str, stage: str) -> None:
        if status.endswith("_IN_PROGRESS"):
            remedy = "Wait until CloudFormation has finished, then deploy again."
        elif status == "UPDATE_ROLLBACK_FAILED":
            remedy = (
                "Fix the causes that the stack's events name. Then run aws cloudformation "
                f"continue-update-rollback --stack-name {stack}, and deploy again."
            )
        else:
            remedy = (
                f"Delete what remains with manage.py offload_deploy --stage {stage} --delete, "
                "then deploy again."
            )
        super().__init__(f"The stack {stack} is {status}. {remedy}")


class ChangeTooEarly(DeployError):
    """Another deployment, or some time, must come before this change."""

    def __init__(self, stack: str, problem: str, remedy: str) -> None:
        super().__init__(f"The stack {stack} {problem} Nothing was changed. {remedy}")


class ChangeRefused(DeployError):
    """CloudFormation cannot create a change set."""

    def __init__(self, stack: str, reason: str) -> None:
        super().__init__(
            f"CloudFormation refused the change of the stack {stack}: {reason.rstrip('.')}. Nothing was "
            "changed. Correct TASKS or the stage's file. manage.py offload_template prints the template."
        )


class StackChangeFailed(DeployError):
    """CloudFormation started to change a stack, and the change failed."""

    def __init__(self, stack: str, status: str, reasons: Sequence[str]) -> None:
        self.status, self.reasons = status, tuple(reasons)
        causes = "; ".join(reason.rstrip(".") for reason in reasons) or "CloudFormation gives no reason"
        if status.endswith("_IN_PROGRESS"):
            remedy = "The change goes on. Wait until CloudFormation has finished, then deploy again."
        elif status == "UPDATE_ROLLBACK_FAILED":
            remedy = (
                "Fix these causes, then run aws cloudformation continue-update-rollback --stack-name "
                f"{stack}, and deploy again."
            )
        else:
            remedy = "Fix these causes, then deploy again."
        super().__init__(f"The stack {stack} is {status}: {causes}. {remedy}")


class StackDeleteFailed(DeployError):
    """CloudFormation refused to delete a stack, or started the deletion, and it failed."""

    def __init__(self, stack: str, status: str, reasons: Sequence[str], stage: str) -> None:
        self.status, self.reasons = status, tuple(reasons)
        causes = "; ".join(reason.rstrip(".") for reason in reasons) or "CloudFormation gives no reason"
        if status.endswith("_IN_PROGRESS"):
            remedy = "The deletion goes on. Wait until CloudFormation has finished, then run"
        else:
            remedy = "What isn't deleted remains, and so do the packages. Fix these causes, then run"
        super().__init__(
            f"The stack {stack} is {status}: {causes}. {remedy} "
            f"manage.py offload_deploy --stage {stage} --delete again."
        )


class MigrationFailed(DeployError):
    """The migrations failed."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(
            f"The migrations failed in the function {function}: {reason.rstrip('.')}. Migrations that were "
            "applied before stay applied. Fix the cause, then deploy again. If the migrations need a "
            "variable or secret that is new in the stage's file, deploy once with --no-migrate first."
        )


class WebFailed(DeployError):
    """Zappa could not deploy the web side."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(
            f"The workers are deployed, but the web side isn't: {reason.rstrip('.')}. Fix the cause, then "
            f"run: {command}"
        )
