"""A deployment, step by step: package, upload, change of the stack, migrations, web side, release."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...stack import DeploymentTarget, template_of
from ...stack.layout import Layout
from ...stack.names import MIGRATE
from ..errors import BadStage, DeployError, NotDeployed, WrongPackage
from ..package.archive import Archive
from ..stage import Stage
from ..zappa_settings import FILE, name_problem, network_problem, zappa_settings
from . import change_set, migrations, old_versions, ownership, secret_versions
from .aws import AWS
from .change_set import ChangeSet
from .releases import Release, Releases, code_key, digest, empty
from .stack_events import Say
from .web import Web

# A stack whose creation was undone cannot be changed, only made anew.
_UNDONE = "ROLLBACK_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Which steps a deployment takes beyond the stack."""

    web: bool = True
    migrations: bool = True


class Deployment:
    """
    Brings a stage to AWS, or back to the release before.

    Raise BadStage where the web side would take the place of the stack, or stand in another network.
    """

    def __init__(self, aws: AWS, stage: Stage, layout: Layout, say: Say) -> None:
        self.aws, self.stage, self._say = aws, stage, say
        self.releases = Releases(aws, stage.stack)
        settings = zappa_settings(layout.root, stage.name)
        problem = name_problem(settings, stage.name, stage.stack) or network_problem(
            settings, stage.surroundings.vpc
        )
        if problem is not None:
            raise BadStage(layout.root / FILE, *problem)
        self.web = Web(aws, stage, layout.root, settings)

    def look(self, *, deletes: bool = False) -> None:
        """
        Look at what is there already, before anything is made.

        Raise WrongStage where it is not this stage's, StackStuck where it cannot be changed.
        """
        ownership.check_owner(self.aws, self.stage)
        if not deletes:
            ownership.check_rest(self.aws, self.stage)

    def prepare(self, package: Archive, *, look: bool = False) -> tuple[Release, ChangeSet | None]:
        """
        Upload the template and work out what would change; nothing is changed yet.

        The same code, template and parameters again are no new release: going back leads to what was
        different. Raise WrongPackage, ChangeRefused, and NotDeployed where more than a `look` is needed to
        know.
        """
        self._check_package(package)
        self.releases.make_bucket()
        current = self._current()
        key = code_key(package)
        parameters = self._parameters(key)
        template = self._template()
        # Whoever reads the deployed template finds what it was deployed with; stand-ins for AWS take no
        # change for one whose template is the same.
        mark = digest(parameters)
        release = Release(
            id=self.releases.new_id(key),
            stage=self.stage.name,
            code_key=key,
            template_key=self.releases.put_template(f"{template}Metadata:\n  Release: {mark}\n"),
            parameters=parameters,
            previous=current.id if current else None,
        )
        if current is not None and release.does_as(current):
            release = current
        try:
            return release, self.change(release, look=look)
        except DeployError:
            self.releases.forget()
            raise

    def leave(self, change: ChangeSet | None) -> None:
        """Make no change: nothing is there that was not there before."""
        if change is not None:
            change_set.discard(self.aws, change)
        self.releases.forget()

    def change(self, release: Release, *, look: bool = False) -> ChangeSet | None:
        """Return what `release` would change. Raise ChangeRefused if CloudFormation takes none of it."""
        if change_set.status_of(self.aws, self.stage.stack) == _UNDONE:
            if look:
                raise NotDeployed(
                    self.stage.stack,
                    "is what an undone creation left",
                    "Deploy without --dry-run: that is deleted, and the stack made anew.",
                )
            self._say("  the stack's creation was undone before: it is deleted and made anew")
            self._delete_stack()
        return change_set.make(
            self.aws,
            self.stage.stack,
            template_url=self.releases.url(release.template_key),
            parameters=release.parameters,
            tags={ownership.TAG: self.stage.name},
        )

    def apply(self, release: Release, change: ChangeSet | None, steps: Steps) -> None:
        """
        Migrate, change the stack, deploy the web side, and record the release.

        Tables change before the code that uses them, except that a new stack must be there first. Raise
        MigrationFailed, StackChangeFailed or WebFailed at the step that failed; those before it stay.
        """
        fresh = change is not None and change.creates
        if steps.migrations and not fresh:
            self._migrate_with(release)
        if change is not None:
            self._say(f"Changing the stack {self.stage.stack}:")
            change_set.execute(self.aws, change, self._say)
        self.releases.record(release)
        if steps.migrations and fresh:
            self._say("Migrating the database:")
            migrations.migrate(self.aws, self.stage, self._say)
        self.web.write_settings()
        if steps.web:
            self._say("Deploying the web side with Zappa:")
            for line in self.web.deploy(self.releases.bucket, release.code_key):
                self._say(f"  {line}")
        old_versions.prune(self.aws, self.stage.stack, self._say)

    def before(self) -> Release:
        """
        Return the newest release before the current one that has other code. Raise NotDeployed if none has.

        Releases between them changed secrets, variables or parameters alone, and who goes back wants to be
        rid of code.
        """
        current = found = self._current()
        while current and found and found.code_key == current.code_key:
            found = self.releases.read(found.previous) if found.previous else None
        if found is None:
            raise NotDeployed(
                self.stage.stack,
                "has no earlier release with other code",
                "Deploy the code you want instead; what the stage's file says is changed back there.",
            )
        return found

    def delete(self, *, with_data: bool) -> None:
        """Delete web side, stack and packages; table and bucket, which the stack keeps, only `with_data`."""
        if change_set.status_of(self.aws, self.stage.stack) is None:
            if not self.releases.are_there():
                raise NotDeployed(self.stage.stack, "does not exist", "Correct the stage, or its region.")
            # What a deployment left that came to nothing.
            self.releases.delete()
            self._say(f"  deleted: {self.releases.bucket}; there is no stack")
            return
        if self.web.is_there():
            self.web.write_settings()
            for line in self.web.undeploy():
                self._say(f"  {line}")
        kept = self._kept()
        self._delete_stack()
        self.releases.delete()
        if not with_data:
            names = ", ".join(kept.values()) or "nothing"
            self._say(f"  kept: {names} (the next deployment takes them back; --with-data deletes them too)")
            return
        self._delete_data(kept)

    def outputs(self) -> Mapping[str, str]:
        """Return what the stack says of itself, and the web side's addresses."""
        said = self.aws.client("cloudformation").describe_stacks(StackName=self.stage.stack)["Stacks"][0]
        found = {output["OutputKey"]: output["OutputValue"] for output in said.get("Outputs", [])}
        return found | self.web.addresses()

    def _check_package(self, package: Archive) -> None:
        """Raise WrongPackage where one that was built before would not run on the stage's functions."""
        stage = self.stage
        pairs = ((package.runtime, stage.runtime), (package.architecture, stage.architecture))
        for made_for, wanted in pairs:
            if made_for is not None and made_for != wanted:
                raise WrongPackage(package.path, made_for, wanted, stage.name, stage.architecture)

    def _template(self) -> str:
        target = DeploymentTarget(
            account=self.aws.account, region=self.aws.region, web_function=self.web.function
        )
        environment = replace(self.stage.surroundings, target=target)
        return template_of(self.stage.stack, stage_environment=environment)

    def _current(self) -> Release | None:
        """Return the current release. Raise WrongStage if it is another stage's."""
        found = self.releases.current()
        ownership.check_stage(self.stage, found.stage if found else None)
        return found

    def _parameters(self, key: str) -> dict[str, str]:
        # Where nobody says which secrets there are, they may all be new.
        secrets = secret_versions.fingerprint(self.aws, self.stage.surroundings.secrets)
        found = {
            **self.stage.parameters,
            "CodeBucket": self.releases.bucket,
            "CodeKey": key,
            "Release": secrets or self.releases.new_id(key),
            "WebFunction": self.web.function,
        }
        # There mappings and schedules are run by offload_local, and half of AWS cannot be created.
        return found | ({"MappingsEnabled": "false"} if self.aws.is_this_machine else {})

    def _migrate_with(self, release: Release) -> None:
        self._say("Migrating the database, with the new code:")
        name = self.stage.options.function(MIGRATE)
        client = self.aws.client("lambda")
        try:
            client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            self._say(f"  the function {name} is not there yet: it runs with the next deployment")
            return
        migrations.give_code(self.aws, self.stage, self.releases.bucket, release.code_key)
        migrations.migrate(self.aws, self.stage, self._say)

    def _kept(self) -> dict[str, str]:
        """Return what the template keeps, by the type of resource."""
        return {
            resource["ResourceType"]: resource["PhysicalResourceId"]
            for resource in change_set.resources(self.aws, self.stage.stack)
            if resource["ResourceType"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
        }

    def _delete_data(self, kept: Mapping[str, str]) -> None:
        if "AWS::S3::Bucket" in kept:
            empty(self.aws.client("s3"), kept["AWS::S3::Bucket"])
        if "AWS::DynamoDB::Table" in kept:
            self.aws.client("dynamodb").delete_table(TableName=kept["AWS::DynamoDB::Table"])
        self._say(f"  deleted: {', '.join(kept.values()) or 'nothing'}")

    def _delete_stack(self) -> None:
        cloudformation = self.aws.client("cloudformation")
        cloudformation.delete_stack(StackName=self.stage.stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=self.stage.stack)
