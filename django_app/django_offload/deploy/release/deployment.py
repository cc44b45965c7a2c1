"""The steps of a deployment: look at the stack, prepare a change, apply it, go back, delete."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...conf import aws_limits
from ...stack import spec_of, stacks, template_limits, template_of
from ...stack.layout import Layout
from ...stack.names import MIGRATE, SWEEPER
from ...stack.parameters import WIDE_INDEXES
from ...stack.stage_environment import DeploymentTarget, StageEnvironment
from .. import Announce
from ..errors import BadStage, DeployError, NotDeployed, StackDeleteFailed, WrongPackage
from ..package.archive import Archive
from ..stage import Stage
from ..variables import function_variables, handler_variables
from ..zappa_settings import FILE, name_problem, network_problem, zappa_settings
from . import (
    change_set,
    deployed_stack,
    index_shards,
    migrations,
    old_versions,
    secret_versions,
    stack_events,
    table_indexes,
)
from .aws import AWS, error_message
from .change_set import ChangeSet
from .releases import Release, Releases, code_key, delete_bucket, parameters_digest
from .web import Web

# The status of a stack whose creation was rolled back. It can't be changed, only created again.
_ROLLED_BACK = "ROLLBACK_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps that a deployment takes besides the change of the stack."""

    web: bool = True
    migrations: bool = True


class Deployment:
    """
    Deploys a stage to AWS, or an earlier release of it.

    Raise BadStage if the web side would replace the stack, or is in a VPC without the workers.
    """

    def __init__(self, aws: AWS, stage: Stage, layout: Layout, announce: Announce) -> None:
        self.aws, self.stage, self.announce = aws, stage, announce
        self.releases = Releases(aws, stage.stack)
        settings = zappa_settings(layout.root, stage.name)
        problem = name_problem(settings, stage.name, stage.stack) or network_problem(
            settings, stage.stage_environment.vpc
        )
        if problem is not None:
            raise BadStage(layout.root / FILE, *problem)
        self.root, self.settings = layout.root, settings
        self.web = Web(aws, stage, layout.root, settings)

    def check_stack(self, *, deletes: bool = False) -> None:
        """
        Check the deployed stack before anything is changed.

        Raise WrongStage if it isn't this stage's, StackStuck if CloudFormation accepts no change of it now.
        """
        deployed_stack.check_owner(self.aws, self.stage)
        if not deletes:
            deployed_stack.check_changeable(self.aws, self.stage)

    def check_limits(self, *, web: bool) -> None:
        """
        Check that AWS takes the stack and the web function, before anything is changed.

        Raise ConfigurationError if the stack is too large, BadStage if the web function's variables are.
        """
        spec = spec_of(self.stage.stack, stage_environment=self.environment)
        if not web:
            return
        variables = {
            **function_variables(self.settings),
            **template_limits.function_variables(spec),
            **handler_variables(self.settings),
        }
        size = template_limits.size_of(variables)
        if size > aws_limits.FUNCTION_VARIABLES:
            raise BadStage(
                self.root / FILE, *template_limits.too_many_variables(spec, "The web function of", size)
            )

    def check_steps(self) -> None:
        """Raise ChangeTooEarly if the deployed stack can't take the settings' indexes and shards yet."""
        spec = spec_of(self.stage.stack, stage_environment=self.environment)
        index_shards.check_deployment(self.stage.stack, self.live_shards(), spec.shards)
        self.check_indexes(spec.indexes)

    def check_indexes(self, wanted: Collection[str]) -> None:
        """Raise ChangeTooEarly if the table can't get these indexes in one update, or not yet."""
        stack, table = self.stage.stack, self.table()
        status = deployed_stack.stack_status(self.aws, stack)
        imports = status in {None, _ROLLED_BACK, deployed_stack.NOT_EXECUTED}
        table_indexes.check_change(stack, table, wanted, imports=imports)
        table_indexes.check_complete(self.aws, stack, table, wanted, self.aliases)

    def check_rollback(self, release: Release) -> None:
        """Raise ChangeTooEarly if a release can't find the tasks of this one, or needs other indexes."""
        stack, template = self.stage.stack, self.releases.template(release)
        target = index_shards.shards_in(template)
        index_shards.check_rollback(stack, self.live_shards(), target, spec_of(stack).shards)
        if self.table() is not None:
            unlisted = index_shards.check_moved(self.aws, stack, self.stage.options.table, target)
            if unlisted:
                self.announce(
                    f"  {unlisted} shards hold dead letters and failed tasks that the older release doesn't "
                    "list. They are there again after the next deployment."
                )
        self.check_indexes(table_indexes.indexes_in(template))

    def live_shards(self) -> index_shards.Shards | None:
        return index_shards.live_shards(self.aws, self.stage.options.function(SWEEPER))

    def table(self) -> Mapping[str, Any] | None:
        return table_indexes.describe_table(self.aws, self.stage.options.table)

    @property
    def aliases(self) -> list[str]:
        """The aliases in TASKS that share the stack."""
        return [options.alias for options in stacks()[self.stage.stack]]

    @property
    def environment(self) -> StageEnvironment:
        """What the stage adds to its functions, with the account and region that they run in."""
        target = DeploymentTarget(
            account=self.aws.account, region=self.aws.region, web_function=self.web.function
        )
        return replace(self.stage.stage_environment, target=target)

    def prepare(self, package: Archive, *, dry_run: bool = False) -> tuple[Release, ChangeSet | None]:
        """
        Upload the template and return the release with the changes it would make. Change nothing yet.

        If code, template and parameters are those of the current release, return that release, so that
        a rollback always leads to something different.

        Raise WrongPackage, ChangeRefused, or NotDeployed if a dry run can't compute the changes.
        """
        self.check_package(package)
        self.releases.make_bucket()
        current = self.current_release()
        key = code_key(package)
        parameters = self.parameters_for(key)
        template = template_of(self.stage.stack, stage_environment=self.environment)
        # The digest shows in the deployed template what it was deployed with. Local AWS also needs it,
        # because it accepts no change whose template is the same.
        digest = parameters_digest(parameters)
        release = Release(
            id=self.releases.new_id(key),
            stage=self.stage.name,
            code_key=key,
            template_key=self.releases.put_template(f"{template}Metadata:\n  Release: {digest}\n"),
            parameters=parameters,
            previous=current.id if current else None,
        )
        if current is not None and release.deploys_same_as(current):
            release = current
        try:
            return release, self.change(release, dry_run=dry_run)
        except DeployError:
            self.releases.discard_uploads()
            raise

    def cancel(self, change: ChangeSet | None) -> None:
        """Delete the change set and everything that was uploaded for it."""
        if change is not None:
            change_set.delete(self.aws, change)
        self.releases.discard_uploads()

    def change(self, release: Release, *, dry_run: bool = False) -> ChangeSet | None:
        """Return the changes that `release` would make, or None. Raise ChangeRefused if there's an error."""
        if deployed_stack.stack_status(self.aws, self.stage.stack) == _ROLLED_BACK:
            if dry_run:
                raise NotDeployed(
                    self.stage.stack,
                    "remains from a creation that was rolled back",
                    "Deploy without --dry-run, which deletes it and creates the stack again.",
                )
            self.announce("  the stack's creation was rolled back before, so it is deleted and created again")
            self.delete_stack()
        return change_set.create(
            self.aws,
            self.stage.stack,
            template_url=self.releases.url(release.template_key),
            parameters=release.parameters,
            tags={deployed_stack.TAG: self.stage.name},
        )

    def apply(self, release: Release, change: ChangeSet | None, steps: Steps) -> None:
        """
        Migrate, change the stack, deploy the web side, and record the release.

        The migrations run before the change, so that tables change before the code that uses them. A new
        stack is created first. Raise MigrationFailed, StackChangeFailed or WebFailed if that step fails.
        The steps before it aren't undone.
        """
        creates = change is not None and change.creates
        if steps.migrations and not creates:
            self.migrate_before_change(release)
        if change is not None:
            self.announce(f"Changing the stack {self.stage.stack}:")
            change_set.execute(self.aws, change, self.announce)
        self.releases.record(release)
        if steps.migrations and creates:
            self.announce("Migrating the database:")
            migrations.migrate(self.aws, self.stage, self.announce)
        self.web.write_settings()
        if steps.web:
            self.announce("Deploying the web side with Zappa:")
            for line in self.web.deploy(self.releases.bucket, release.code_key):
                self.announce(f"  {line}")
        old_versions.prune(self.aws, self.stage.stack, self.announce)

    def previous_release(self) -> Release:
        """
        Return the newest release before the current one that has other code.

        Skip the releases that changed only secrets, variables or parameters, because a rollback is meant
        to replace code. Raise NotDeployed if there is no such release.
        """
        current = release = self.current_release()
        while current and release and release.code_key == current.code_key:
            release = self.releases.get(release.previous) if release.previous else None
        if release is None:
            raise NotDeployed(
                self.stage.stack,
                "has no earlier release with other code",
                "Deploy the code you want instead. To undo a change of the stage's file, edit that file.",
            )
        return release

    def delete(self, *, with_data: bool) -> None:
        """
        Delete the web side, the stack and the packages.

        The stack keeps its table and bucket. Delete these too if `with_data` is true.
        """
        if deployed_stack.stack_status(self.aws, self.stage.stack) is None:
            if not self.releases.exist():
                raise NotDeployed(self.stage.stack, "does not exist", "Correct the stage, or its region.")
            # A deployment that failed early leaves only the bucket.
            self.releases.delete()
            self.announce(f"  deleted: {self.releases.bucket}; there is no stack")
            return
        if self.web.exists():
            self.web.write_settings()
            for line in self.web.undeploy():
                self.announce(f"  {line}")
        retained = self.retained_resources()
        names = ", ".join(retained.values()) or "nothing"
        self.delete_stack()
        self.releases.delete()
        if not with_data:
            self.announce(
                f"  kept: {names} (the next deployment takes them back; --with-data deletes them too)"
            )
            return
        if "AWS::S3::Bucket" in retained:
            delete_bucket(self.aws.client("s3"), retained["AWS::S3::Bucket"])
        if "AWS::DynamoDB::Table" in retained:
            self.aws.client("dynamodb").delete_table(TableName=retained["AWS::DynamoDB::Table"])
        self.announce(f"  deleted: {names}")

    def outputs(self) -> Mapping[str, str]:
        """Return the outputs of the stack, and the addresses of the web side."""
        stack = self.aws.client("cloudformation").describe_stacks(StackName=self.stage.stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return outputs | self.web.addresses()

    def check_package(self, package: Archive) -> None:
        """Raise WrongPackage if the package is built for another runtime or processor than the stage has."""
        stage = self.stage
        for built_for, required in (
            (package.runtime, stage.runtime),
            (package.architecture, stage.architecture),
        ):
            if built_for is not None and built_for != required:
                raise WrongPackage(package.path, built_for, required, stage.name, stage.architecture)

    def current_release(self) -> Release | None:
        """Return the current release. Raise WrongStage if it is another stage's."""
        release = self.releases.current()
        deployed_stack.check_stage(self.stage, release.stage if release else None)
        return release

    def parameters_for(self, key: str) -> dict[str, str]:
        """Return the template's parameters for a deployment of the code with this key."""
        # If the versions of the secrets can't be read, any of them may be new, so every release differs.
        secrets = secret_versions.fingerprint(self.aws, self.stage.stage_environment.secrets)
        parameters = {
            **self.stage.parameters,
            "CodeBucket": self.releases.bucket,
            "CodeKey": key,
            "Release": secrets or self.releases.new_id(key),
            "WebFunction": self.web.function,
            WIDE_INDEXES: "true" if table_indexes.has_wide_indexes(self.table()) else "false",
        }
        if self.aws.is_local:
            # offload_local runs the mappings and schedules itself.
            parameters["MappingsEnabled"] = "false"
        return parameters

    def migrate_before_change(self, release: Release) -> None:
        """Run the migrations with the new code, in the function that the stack has for them, if any."""
        self.announce("Migrating the database, with the new code:")
        name = self.stage.options.function(MIGRATE)
        client = self.aws.client("lambda")
        try:
            client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            self.announce(f"  the function {name} doesn't exist yet, so the next deployment runs it")
            return
        migrations.give_code(self.aws, self.stage, self.releases.bucket, release.code_key)
        migrations.migrate(self.aws, self.stage, self.announce)

    def retained_resources(self) -> dict[str, str]:
        """Return the names of the table and the bucket, which outlive the stack, by resource type."""
        return {
            resource["ResourceType"]: resource["PhysicalResourceId"]
            for resource in deployed_stack.stack_resources(self.aws, self.stage.stack)
            if resource["ResourceType"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
        }

    def delete_stack(self) -> None:
        """Delete the stack, and wait until it's gone. Raise StackDeleteFailed if CloudFormation can't."""
        description = deployed_stack.describe_stack(self.aws, self.stage.stack)
        if description is None:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        cloudformation = self.aws.client("cloudformation")
        stack_id = str(description.get("StackId", self.stage.stack))
        earlier = stack_events.event_ids(cloudformation, stack_id)
        try:
            cloudformation.delete_stack(StackName=stack_id)
            status = stack_events.wait_until_deleted(
                cloudformation, stack_id, earlier=earlier, announce=self.announce
            )
        except (BotoCoreError, ClientError) as exc:
            try:
                status = deployed_stack.stack_status(self.aws, stack_id) or stack_events.DELETED
            except (BotoCoreError, ClientError):
                status = change_set.UNKNOWN
            reasons = [error_message(exc)]
            raise StackDeleteFailed(self.stage.stack, status, reasons, self.stage.name) from exc
        if status != stack_events.DELETED:
            reasons = stack_events.failure_reasons(cloudformation, stack_id, earlier)
            raise StackDeleteFailed(self.stage.stack, status, reasons, self.stage.name)
