"""Deploy a stack to local AWS, with packages that can't run."""

import zipfile
from pathlib import Path
from typing import Any

from django_offload.conf import configured
from django_offload.deploy.package.archive import Archive, read_archive
from django_offload.deploy.release.aws import AWS
from django_offload.deploy.release.deployment import Deployment, Steps
from django_offload.deploy.stage import Stage
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.stack.layout import Layout
from django_offload.stack.stage_environment import StageEnvironment

# The tests of the deployed site, of the package and of the policies have stacks of this name elsewhere.
REGION = "eu-north-1"
SETTINGS = {
    "project_name": "lab-web",
    "django_settings": "config.settings",
    "s3_bucket": "lab-dev-zappa",
    "apigateway_enabled": True,
    "keep_warm": False,
    "touch": False,
}
ALONE = Steps(web=False, migrations=False)


def deployment_of(root: Path, **stage_environment: Any) -> Deployment:
    stage = Stage(
        name="dev",
        region=REGION,
        options=configured()["default"],
        stage_environment=StageEnvironment(**stage_environment),
    )
    place = Layout(root=root, source=root, settings_module="config.settings")
    return Deployment(AWS(REGION), stage, place, lambda line: None)


def package(folder: Path, text: str) -> Archive:
    path = folder / f"{text}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("code.py", text)
    return read_archive(path)


def deploy(deployment: Deployment, code: Archive, steps: Steps = ALONE) -> str:
    """Deploy the stack, with further `steps` if given. Return the id of the release."""
    release, change = deployment.prepare(code)
    deployment.releases.put_package(code)
    deployment.apply(release, change, steps)
    return release.id


def buckets(aws: LocalAWS) -> list[str]:
    found = [bucket["Name"] for bucket in aws.server.client("s3").list_buckets()["Buckets"]]
    return [name for name in found if name.endswith(REGION)]


def stacks(aws: LocalAWS) -> list[str]:
    said = aws.server.client("cloudformation").describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in said]


def templates(aws: LocalAWS, deployment: Deployment) -> list[str]:
    said = aws.server.client("s3").list_objects_v2(Bucket=deployment.releases.bucket)
    return [found["Key"] for found in said["Contents"] if found["Key"].startswith("templates/")]
