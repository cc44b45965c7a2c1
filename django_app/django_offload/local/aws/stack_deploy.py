"""Creates the stacks of TASKS through CloudFormation on this machine."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from ..errors import StackFailed
from .moto_server import MotoServer

# CloudFormation requires code for functions, but on this machine they run from the working tree.
CODE_BUCKET, CODE_KEY = "offload-local-code", "code.zip"
# moto would delete the messages of enabled mappings unread, so this package runs mappings and schedules.
PARAMETERS = {"CodeBucket": CODE_BUCKET, "CodeKey": CODE_KEY, "MappingsEnabled": "false"}
WAIT_SECONDS = 300
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


def deploy(server: MotoServer, stack: str, template: str) -> dict[str, str]:
    """
    Create `stack` from a template, set those of our parameters that it declares, and return its outputs.

    Raise StackFailed with CloudFormation's reasons if the stack can't be created.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.parsers import ResponseParserError

    upload_placeholder_code(server)
    cloudformation = server.client("cloudformation")
    try:
        declared = cloudformation.get_template_summary(TemplateBody=template)["Parameters"]
        declared_keys = {parameter["ParameterKey"] for parameter in declared}
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=template,
            Capabilities=_CAPABILITIES,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in parameters_of(stack).items()
                if key in declared_keys
            ],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": WAIT_SECONDS}
        )
    except HTTPClientError:  # The server didn't answer, which says nothing about the template.
        raise
    except (ClientError, BotoCoreError, ResponseParserError) as exc:
        reasons = failed_resources(cloudformation, stack)
        if not reasons:
            # moto reports a refused resource in JSON, but CloudFormation's client expects XML.
            message = re.search(r'"message": "([^"]*)"', str(exc))
            reasons = " ".join((message[1] if message else str(exc)).split()).rstrip(".")
        raise StackFailed(stack, reasons) from exc
    description = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}


def parameters_of(stack: str) -> dict[str, str]:
    """Return the parameters of a stack on this machine, where each has a web function's log of its own."""
    return {**PARAMETERS, "WebFunction": f"{stack}-web", "WideIndexes": "true"}


def failed_resources(cloudformation: Any, stack: str) -> str:
    """Return why resources of `stack` failed, oldest first, or an empty string if no reason is known."""
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


def upload_placeholder_code(server: MotoServer) -> None:
    """Upload a small zip to the place where CloudFormation looks for the functions' code."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("README.txt", "On this machine functions run from the working tree.\n")
    s3 = server.client("s3")
    if CODE_BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        # S3 refuses us-east-1 as a location constraint, because it is the default.
        location = {"CreateBucketConfiguration": {"LocationConstraint": server.region}}
        s3.create_bucket(Bucket=CODE_BUCKET, **({} if server.region == "us-east-1" else location))
    s3.put_object(Bucket=CODE_BUCKET, Key=CODE_KEY, Body=archive.getvalue())
