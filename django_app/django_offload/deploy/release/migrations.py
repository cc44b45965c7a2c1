"""The site's migrations, run by the stack's own function: it stands where the database is reached."""

import json
from typing import Any

from ...stack import limits
from ...stack.names import MIGRATE
from ...worker.migration import EVENT
from ..errors import MigrationFailed
from ..stage import Stage
from .aws import AWS, one_line
from .stack_events import Say


def migrate(aws: AWS, stage: Stage, say: Say) -> None:
    """Run the migrations with the code that the function has. Raise MigrationFailed with what went wrong."""
    from botocore.exceptions import BotoCoreError, ClientError

    name = stage.options.function(MIGRATE)
    once = aws.patient("lambda", limits.seconds(limits.MIGRATION_TIMEOUT) + 10)
    try:
        aws.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
        answer = once.invoke(FunctionName=name, Payload=json.dumps(EVENT).encode())
        said: Any = json.loads(answer["Payload"].read() or b"null")
    except (BotoCoreError, ClientError) as exc:
        raise MigrationFailed(name, one_line(exc)) from exc
    if answer.get("FunctionError"):
        raise MigrationFailed(name, f"{said.get('errorType', 'Error')}: {said.get('errorMessage', '')}")
    for line in said["said"]:
        say(f"  {line.strip()}")


def give_code(aws: AWS, stage: Stage, bucket: str, key: str) -> None:
    """
    Give the function new code before any other has it: tables change first, then what uses them.

    With it come the processor and the Python that the package is built for.
    """
    client = aws.client("lambda")
    name = stage.options.function(MIGRATE)
    updated = client.get_waiter("function_updated_v2")
    client.update_function_code(
        FunctionName=name, S3Bucket=bucket, S3Key=key, Architectures=[stage.architecture]
    )
    updated.wait(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Runtime=stage.runtime)
    updated.wait(FunctionName=name)
