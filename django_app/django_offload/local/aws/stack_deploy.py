"""The stacks of TASKS, created through CloudFormation on this machine."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from ..errors import StackFailed
from .moto_server import MotoServer

# What CloudFormation wants as code; on this machine the functions run from the working tree.
CODE_BUCKET, CODE_KEY = "offload-local-code", "code.zip"
# Enabled, moto would delete their messages unread; the mappings here are ours, and so is the schedule.
PARAMETERS = {"CodeBucket": CODE_BUCKET, "CodeKey": CODE_KEY, "MappingsEnabled": "false"}
WAIT_SECONDS = 60
_ABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


def deploy(server: MotoServer, stack: str, template: str) -> dict[str, str]:
    """
    Create `stack` from a template that names `PARAMETERS`, and return its outputs.

    Raise StackFailed, with the reasons CloudFormation gives, if it cannot be created.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    _provide_code(server)
    cloudformation = server.client("cloudformation")
    try:
        asked = cloudformation.get_template_summary(TemplateBody=template)["Parameters"]
        known = {parameter["ParameterKey"] for parameter in asked}
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=template,
            Capabilities=_ABILITIES,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in PARAMETERS.items()
                if key in known
            ],
        )
        _wait(cloudformation, stack)
    except (ClientError, BotoCoreError, ResponseParserError) as exc:
        raise StackFailed(stack, _reasons(cloudformation, stack) or _sentence(exc)) from exc
    return outputs(server, stack)


def outputs(server: MotoServer, stack: str) -> dict[str, str]:
    """Return what the stack says of itself."""
    found = server.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _wait(cloudformation: Any, stack: str) -> None:
    config = {"Delay": 1, "MaxAttempts": WAIT_SECONDS}
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=config)


def _reasons(cloudformation: Any, stack: str) -> str:
    """Return why resources of `stack` failed, in the order it happened; empty where it does not say."""
    from botocore.exceptions import ClientError

    try:
        events: list[Mapping[str, Any]] = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError:
        return ""
    return "; ".join(
        f"{event.get('LogicalResourceId', stack)}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason")
    )


def _sentence(exc: Exception) -> str:
    """Return what an error says, on one line."""
    # What a resource refuses, moto answers as JSON, where a client of CloudFormation expects XML.
    found = re.search(r'"message": "([^"]*)"', str(exc))
    return " ".join((found[1] if found else str(exc)).split()).rstrip(".")


def _provide_code(server: MotoServer) -> None:
    """Put a small zip where CloudFormation looks for the functions' code."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("README.txt", "On this machine functions run from the working tree.\n")
    s3 = server.client("s3")
    buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    if CODE_BUCKET not in buckets:
        # us-east-1 is the one region that may not be named as a constraint.
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": server.region}}
        s3.create_bucket(Bucket=CODE_BUCKET, **({} if server.region == "us-east-1" else elsewhere))
    s3.put_object(Bucket=CODE_BUCKET, Key=CODE_KEY, Body=archive.getvalue())
