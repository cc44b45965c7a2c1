"""Functions for these tests, each with one kind of behaviour."""

import os
import time
from typing import Any


def acknowledge(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Acknowledge every message and print its body."""
    for record in event["Records"]:
        print("handled", record["body"], time.time())
    return {"batchItemFailures": []}


def give_back(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Report the messages whose body is "bad" as failed."""
    bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in bad]}


def describe(event: Any, context: Any) -> dict[str, Any]:
    """Return the function's event, context and environment."""
    return {
        "event": event,
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "log_group": context.log_group_name,
        "log_stream": context.log_stream_name,
        "remaining": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ),
    }


def misbehave(event: Any, context: Any) -> Any:
    """Raise, exit, hang or start a child that hangs, as the event demands."""
    match event:
        case {"exit": code}:
            os._exit(code)
        case {"raise": text}:
            raise ValueError(text)
        case {"sleep": seconds}:
            time.sleep(seconds)
        case {"fork": seconds}:
            if os.fork() == 0:
                time.sleep(seconds)
                os._exit(0)
            time.sleep(seconds)
    return {"pid": os.getpid()}


def crash(event: dict[str, Any], context: Any) -> None:
    """Exit without a response."""
    print("about to crash")
    os._exit(1)
