"""What somebody who may write to the table puts into the record of a task, so that a reader obeys it."""

import json
from typing import Any

from django_offload.protocol.record import FAILED, READY, RUNNING, SUCCESSFUL
from tests.old_shards import FAILED_SHARDS

from .names import NAMES

RETURNED = (
    "a program",
    "a module that is not loaded",
    "a pickle in base64",
    "a YAML tag",
    "a lone surrogate",
    "markup",
)
END = 4_000_000_000  # Seconds: no record has expired by then.


def error(path: object, **changes: Any) -> dict[str, Any]:
    return {
        "class": path,
        "message": str(path),
        "ended": True,
        "at": 0,
        "traceback": f"{path}: so\n",
    } | changes


def unicode(text: str) -> str:
    """Return a text as DynamoDB can keep it outside JSON: without lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def named_everywhere(path: str) -> dict[str, Any]:
    """Return the attributes of a FAILED record in which every text names `path`."""
    return {
        "status": FAILED,
        "error": json.dumps(error(path)),
        "errors": ["error#0001"],
        "workers": [unicode(path)],
        "fence": 1,
        "options": json.dumps({"retry_on": [path], "no_retry_on": [path], "func": path, "backoff_of": path}),
        "progress": json.dumps({"done": 1, "total": 2, "message": path}),
        "traceparent": unicode(path),
        "finished_at": 1_700_000_000_000_000,
        "due_at": 1,
        "due_shard": FAILED_SHARDS[0],
    }


def hostile_records() -> dict[str, dict[str, Any]]:
    """Return attributes to put into records, by what they try. Each record can still be read."""
    path = NAMES["a module that is not loaded"]
    failed = named_everywhere(path)
    return {
        **{
            f"everywhere: {name}": named_everywhere(text) for name, text in NAMES.items() if len(text) < 2_000
        },
        **{f"as {name}": failed | {name: path} for name in ("name", "alias", "owner", "queue", "token")},
        **{f"a return value: {name}": returned(NAMES[name]) for name in RETURNED},
        "a return value that is deep": returned([[]] * 100),
        "a return value of another format": returned({"py/object": path, "__reduce__": [path, []]}),
        "arguments that name code": {"arguments": json.dumps([[path], {"__class__": path, "value": path}])},
        "an error that has no text": failed | {"error": json.dumps(error(path, message=""))},
        "a progress of other numbers": failed
        | {"progress": json.dumps({"done": -1, "total": 0, "message": path})},
        "a claim that names code": {
            "status": RUNNING,
            "token": path,
            "workers": [path],
            "fence": 1,
            "due_at": 1,
        },
        "a schedule in a record": {"status": READY, "schedule": path, "task": path, "command": path},
    }


def returned(value: object) -> dict[str, Any]:
    return {
        "status": SUCCESSFUL,
        "result": json.dumps(value),
        "finished_at": 1_700_000_000_000_000,
        "fence": 1,
    }
