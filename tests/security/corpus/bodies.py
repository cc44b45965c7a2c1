"""Bodies of messages that no worker may obey, made of one that it may."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django_offload.aws.memory_limits import check_message
from django_offload.exceptions import Refusal
from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import VERSION, Keyring, key_id

from .names import HERE, NAMES, PICKLE, YAML

TASK = f"{HERE}.tasks.effect"


def hostile_bodies(good: str) -> dict[str, str]:
    """Return every body that has no signature of ours, by what it tries."""
    return {
        **{f"not JSON: {name}": body for name, body in NOT_JSON.items()},
        **{f"not ours: {name}": body for name, body in NOT_OURS.items()},
        **{f"changed: {name}": body for name, body in changed(good).items()},
        **{f"respelled: {name}": body for name, body in respelled(good).items()},
        **{f"name: {name}": changed_to(good, name=text) for name, text in NAMES.items()},
    }


NOT_JSON: dict[str, str] = {
    "an empty line": "\n",
    "a blank": " ",
    "a letter": "x",
    "an open object": "{",
    "a closed object": "}",
    "an open list": "[",
    "an open text": '"',
    "quotes of Python": "{'v':1}",
    "a comma too many": '{"v":1,}',
    "half a word": "nul",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "an escape": "\\0",
    "a replaced character": "\ufffd",
    "a mark of byte order": "\ufeff{}",
    "deep open lists": "[" * 100_000,
    "deep closed lists": "[" * 100_000 + "]" * 100_000,
    "lists of 2,000 levels": "[" * 2_000 + "]" * 2_000,
    "deep open objects": '{"a":' * 50_000,
    "deep in a field": '{"v":1,"args":' + "[" * 20_000 + "]" * 20_000 + "}",
    "a number of many digits": "1" * 5_000,
    "a version of many digits": '{"v":' + "9" * 10_000 + "}",
    "a number beyond floats": '{"v":1e999}',
    "more than SQS takes": " " * 1_100_000,
    "XML": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file://localhost/etc/passwd">]><a>&b;</a>',
    "YAML": f"v: 1\nname: {YAML}\n",
    "a pickle": PICKLE.decode("latin-1"),
    "a pickle in base64": base64.b64encode(PICKLE).decode(),
    "a program": "import os; os.system('id')",
    "an expression": "__import__('os').system('id')",
    "a shell script": "#!/bin/sh\ntouch /tmp/pwned\n",
    "a form": "v=1&name=os.system&args=id",
    "two objects": '{"v":1}{"v":1}',
    "an object in each line": '{"v":1}\n{"v":1}\n',
    "a comment": '{"v":1/* */}',
    "NUL characters": "\0" * 100,
    "a lone surrogate": "\ud800",
    "bytes as text": repr(PICKLE),
}

NOT_OURS: dict[str, str] = {
    "an empty object": "{}",
    "an empty list": "[]",
    "null": "null",
    "true": "true",
    "zero": "0",
    "a text": '"text"',
    "an object within a text": json.dumps(json.dumps({"v": 1, "name": TASK})),
    "a list of messages": dump([{"v": 1, "name": TASK, "sig": "00", "kid": "00"}]),
    "a version alone": '{"v":1}',
    "a later version without a key": '{"v":2,"sig":"","kid":""}',
    "texts for numbers": '{"v":"1","sig":"00","kid":"00"}',
    "a version that is true": '{"v":true,"sig":"00","kid":"00"}',
    "a version with a fraction": '{"v":1.0,"sig":"00","kid":"00"}',
    "a negative version": '{"v":-1,"sig":"00","kid":"00"}',
    "a huge version": '{"v":' + "9" * 4_000 + "}",
    "nulls": '{"v":1,"sig":null,"kid":null}',
    "lists for texts": '{"v":1,"sig":[],"kid":{}}',
    "an unknown key": '{"v":1,"kid":"00000000","sig":"00"}',
    "characters beyond ASCII": '{"v":1,"kid":"\\u00e9","sig":"\\u00e9"}',
    "a key id to forge a log with": '{"v":1,"kid":"\\nINFO ok","sig":"00"}',
    "a key id to format": '{"v":1,"kid":"%s%s%n{0}","sig":"00"}',
    "a duplicate version": '{"v":1,"v":1}',
    "prototype names": '{"__class__":{"__init__":{"__globals__":{}}},"v":1}',
    "a prototype": '{"__proto__":{"sig":"x"},"constructor":{"prototype":{}},"v":1}',
    "an event of SQS": json.dumps({"Records": [{"body": "{}"}]}),
    "a message of Celery": dump(
        {"body": "W1tdLCB7fSwge31d", "headers": {"lang": "py", "task": TASK, "id": "1"}, "properties": {}}
    ),
    "a pickled message of Celery": dump(
        {
            "body": base64.b64encode(PICKLE).decode(),
            "content-type": "application/x-python-serialize",
            "content-encoding": "binary",
            "headers": {"task": TASK},
        }
    ),
    "a message of Zappa": dump({"command": "zappa.asynchronous.route_lambda_task", "task_path": TASK}),
    "a command of Zappa": dump({"raw_command": "import os; os.system('id')"}),
    "a message of dramatiq": dump({"queue_name": "default", "actor_name": TASK, "args": [], "kwargs": {}}),
    "a message of RQ": dump({"func": "os.system", "args": ["id"], "data": base64.b64encode(PICKLE).decode()}),
    "a call of JSON-RPC": dump({"jsonrpc": "2.0", "method": "os.system", "params": ["id"], "id": 1}),
    "a message of SNS": dump({"Type": "Notification", "Message": dump({"v": 1, "name": TASK})}),
    "an event of S3": dump({"Event": "s3:TestEvent", "Service": "Amazon S3", "Bucket": "b"}),
    "a jsonpickle": dump({"py/object": "os.system", "py/reduce": [{"py/function": "os.system"}, ["id"]]}),
}


def of_those_that_sqs_takes(bodies: Mapping[str, str]) -> dict[str, str]:
    """Return the bodies that SQS takes: within its limit of size, and without some characters."""
    found = {}
    for name, body in bodies.items():
        with suppress(Refusal):
            check_message(body)
            found[name] = body
    return found


def changed_to(good: str, **fields: Any) -> str:
    """Return a message with other fields and the signature that it had."""
    return dump({**json.loads(good), **fields})


def changed(good: str) -> dict[str, str]:
    """Return forgeries of a message: every field in turn, with values of every type, and its signature."""
    fields = json.loads(good)
    signature: str = fields["sig"]
    return {
        **{
            f"{field} is {dump(value)[:40]}": changed_to(good, **{field: value})
            for field, values in FIELDS.items()
            for value in values
        },
        **{
            f"no {field}": dump({name: value for name, value in fields.items() if name != field})
            for field in fields
        },
        "an empty signature": changed_to(good, sig=""),
        "a short signature": changed_to(good, sig=signature[:-1]),
        "the beginning of the signature": changed_to(good, sig=signature[:8]),
        "a long signature": changed_to(good, sig=signature + "0"),
        "twice the signature": changed_to(good, sig=signature * 2),
        "a signature in upper case": changed_to(good, sig=signature.upper()),
        "a signature with a blank": changed_to(good, sig=f" {signature}"),
        "a signature with a line break": changed_to(good, sig=f"{signature}\n"),
        "a signature in other digits": changed_to(good, sig=signature.translate(WIDE_DIGITS)),
        "a signature in bytes": changed_to(good, sig=repr(signature.encode())),
        "a signature in base64": changed_to(good, sig=base64.b64encode(bytes.fromhex(signature)).decode()),
        "a signature backwards": changed_to(good, sig=signature[::-1]),
        "a signature of zeros": changed_to(good, sig="0" * 64),
        "a signature in a list": changed_to(good, sig=[signature]),
        "a signature in an object": changed_to(good, sig={"sha256": signature}),
        "a signature that is a number": changed_to(good, sig=int(signature[:12], 16)),
        "a signature that is true": changed_to(good, sig=True),
        "a key id in upper case": changed_to(good, kid=fields["kid"].upper() + "A"),
        "a key id in other digits": changed_to(good, kid=fields["kid"].translate(WIDE_DIGITS)),
        "an empty key id": changed_to(good, kid=""),
        "a long key id": changed_to(good, kid="f" * 100_000),
        "a name in other case": changed_to(good, NAME=TASK),
        "a second name": changed_to(good, task=TASK, func=TASK, command=TASK, task_path=TASK),
        "an algorithm": changed_to(good, alg="none"),
        "a field to begin with": dump({"name": TASK, **{k: v for k, v in fields.items() if k != "name"}}),
    }


WIDE_DIGITS = {ord(digit): ord(digit) - ord("0") + 0xFF10 for digit in "0123456789"}
HUGE = 10**30
FIELDS: dict[str, list[Any]] = {
    "v": [0, 2, True, "1", None, [], HUGE],
    "kid": [None, 0, [], "ffffffff"],
    "id": [None, 7, [], "", "0" * 32, "../../etc/passwd", "x" * 100_000, "u:lock", {"S": "x"}],
    "alias": [None, 7, "other", "nobody", "__class__", "../default"],
    "name": [None, 7, [], {}, TASK, "shop.charge", f"{HERE}.tasks.report"],
    "queue": [None, 7, "reports", "nobody", "default ", "../reports", "https://sqs.example/1/default"],
    "args": [None, "id", {}, [99], ["id", "id"], [{"__class__": "os.system"}], [[[[[]]]]]],
    "kwargs": [None, [], "x", {"value": 1}, {"self": 1}, {"__class__": 1}, {"": ""}],
    "ref": [
        None,
        {},
        "payloads/x",
        {"key": "../secret", "sha256": "0" * 64, "size": 1},
        {"key": "s3://other-bucket/x", "sha256": "0" * 64, "size": 1},
        {"key": "dead/default/x", "sha256": "0" * 64, "size": -1, "bucket": "other"},
    ],
    "enqueued_at": [None, -1, HUGE, 1.5, "2026-01-01", [], -HUGE],
    "expires_at": [None, 0, -1, HUGE, "never", 1e300],
    "run_after": [0, -1, HUGE, "now", []],
    "owner": ["user:1", "session:x", 1, [], {"user": 1}],
    "depth": [-1, -HUGE, 10**6, HUGE, "1", [], 0.5],
    "traceparent": ["00-0-0-0", 5, [], "x\r\nX: y"],
    "options": [
        [],
        "x",
        {"timeout": 10**9},
        {"max_attempts": -1},
        {"func": "os.system"},
        {"retry_on": ["os.system"]},
        {"backoff_of": f"{HERE}.tripwire.fire"},
        {"priority": {"__class__": "x"}},
    ],
    "more": [True],
}


def respelled(good: str) -> dict[str, str]:
    """Return other texts for a message, of the kind that some reader of JSON takes for the same."""
    fields = json.loads(good)
    return {
        "a blank behind": f"{good} ",
        "a blank before": f" {good}",
        "a line break behind": f"{good}\n",
        "a comma behind": f"{good},",
        "an object behind": f"{good}{{}}",
        "the last character lost": good[:-1],
        "the first half": good[: len(good) // 2],
        "twice": good * 2,
        "within a list": f"[{good}]",
        "within a text": json.dumps(good),
        "within an object": json.dumps({"message": fields}),
        "with blanks": json.dumps(fields),
        "over several lines": json.dumps(fields, indent=1),
        "in another order": dump(dict(sorted(fields.items()))),
        "backwards": dump(dict(reversed(fields.items()))),
        "a name twice, ours last": good.replace('"name":', f'"name":"{TASK}","name":', 1),
        "a name twice, theirs last": good.replace(',"sig":', f',"name":"{TASK}","sig":', 1),
        "a signature twice": good.replace(',"sig":', ',"sig":"00","sig":', 1),
        "escapes for letters": good.replace('"v":', '"\\u0076":', 1),
        "escapes within a value": good.replace('"default"', '"\\u0064efault"', 1),
        "a number with a sign": good.replace('"v":1', '"v":-1', 1),
        "a number with a zero": good.replace('"v":1', '"v":1.0', 1),
        "a number with an exponent": good.replace('"v":1', '"v":1e0', 1),
        "a mark of byte order": f"\ufeff{good}",
        "in UTF-16": good.encode("utf-16").decode("latin-1"),
        "in base64": base64.b64encode(good.encode()).decode(),
        "in quotes of Python": repr(fields),
        "in hexadecimal digits": good.encode().hex(),
        "in the alphabet of full width": good.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)}),
    }


def resigned(fields: Mapping[str, Any], keyring: Keyring) -> str:
    """Return a correctly signed text with any fields, as somebody makes it who knows a key."""
    secret = keyring.secrets[0]
    unsigned = dump({**fields, "kid": key_id(secret)})
    return f'{unsigned[:-1]},"sig":"{keyring.signature(unsigned, secret)}"}}'


def unsigned_fields(good: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(good).items() if name != "sig"}


def replayed(good: str, secret: str, stack: str) -> dict[str, str]:
    """Return messages that are signed, but not for this queue of this stack with this key."""
    fields = unsigned_fields(good)

    def by(scope: str, key: str = secret, **changes: Any) -> str:
        return resigned({**fields, **changes}, Keyring([key], scope))

    return {
        "another queue's": by(f"{stack}:reports", queue="reports"),
        "another queue's, renamed": by(f"{stack}:reports"),
        "another stack's": by("other:default"),
        "another stack's of a like name": by(f"{stack}-dev:default"),
        "a stack and a queue that read the same": by(f"{stack}:def:ault"),
        "a stack of another case": by(f"{stack.upper()}:default"),
        "no stack's": by(":default"),
        "no scope's": by(""),
        "another key's": by(f"{stack}:default", "another secret"),
        "an empty key's": by(f"{stack}:default", ""),
        "a key's with a blank": by(f"{stack}:default", f"{secret} "),
        "for another queue, in this one": by(f"{stack}:default", queue="reports"),
        "for no queue": by(f"{stack}:default", queue=None),
        "of a later version": by(f"{stack}:default", v=VERSION + 1),
        "of an earlier version": by(f"{stack}:default", v=0),
    }
