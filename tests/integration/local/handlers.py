"""Functions for these tests: each does one thing that a function may do."""

import os
import time
from typing import Any


def acknowledge(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Acknowledge every message, and say which they were."""
    for record in event["Records"]:
        print("handled", record["body"], time.time())
    return {"batchItemFailures": []}


def give_back(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Give back the messages whose body is "bad"."""
    bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in bad]}


def describe(event: Any, context: Any) -> dict[str, Any]:
    """Return what the function sees of its event, its context and its environment."""
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
    """Do what the event says: raise, exit, hang, or leave a child that hangs."""
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
    """Die without an answer."""
    print("about to crash")
    os._exit(1)
