"""Run the site's migrations in a function of the stack, because that function can reach the database."""

import json
from typing import Any

from ...stack import limits
from ...stack.names import MIGRATE
from ...worker.migration import EVENT
from .. import Announce
from ..errors import MigrationFailed
from ..stage import Stage
from .aws import AWS, error_message


def migrate(aws: AWS, stage: Stage, announce: Announce) -> None:
    """Run the migrations with the code that the function has. Raise MigrationFailed if they fail."""
    from botocore.exceptions import BotoCoreError, ClientError

    name = stage.options.function(MIGRATE)
    client = aws.patient("lambda", limits.seconds(limits.MIGRATION_TIMEOUT) + 10)
    try:
        aws.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
        response = client.invoke(FunctionName=name, Payload=json.dumps(EVENT).encode())
        outcome: Any = json.loads(response["Payload"].read() or b"null")
    except (BotoCoreError, ClientError) as exc:
        raise MigrationFailed(name, error_message(exc)) from exc
    if response.get("FunctionError"):
        reason = f"{outcome.get('errorType', 'Error')}: {outcome.get('errorMessage', '')}"
        raise MigrationFailed(name, reason)
    for line in outcome["said"]:
        announce(f"  {line.strip()}")


def give_code(aws: AWS, stage: Stage, bucket: str, key: str) -> None:
    """
    Give the function the new code, with the processor and runtime that the package is built for.

    This function gets the code first, because tables must change before the code that uses them. Raise
    MigrationFailed, with Lambda's reason, if it can't take the code.
    """
    from botocore.exceptions import WaiterError

    client = aws.client("lambda")
    name = stage.options.function(MIGRATE)
    updated = client.get_waiter("function_updated_v2")
    try:
        client.update_function_code(
            FunctionName=name, S3Bucket=bucket, S3Key=key, Architectures=[stage.architecture]
        )
        updated.wait(FunctionName=name)
        client.update_function_configuration(FunctionName=name, Runtime=stage.runtime)
        updated.wait(FunctionName=name)
    except WaiterError as exc:
        raise MigrationFailed(name, error_message(exc)) from exc
