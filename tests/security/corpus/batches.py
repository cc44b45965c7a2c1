"""Batches of SQS that are not those of the function's own queue, or not as Lambda makes them."""

from typing import Any

from .names import HERE, NAMES
from .services import ACCOUNT, nested

TASK = f"{HERE}.tasks.effect"


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


SERVICES: list[Any] = [
    "aws:sns",
    "aws:s3",
    "AWS:SQS",
    "aws:sqs ",
    "sqs",
    "",
    None,
    7,
    ["aws:sqs"],
    {"aws": "sqs"},
]
COUNTS: list[Any] = [
    "",
    "many",
    "1.5",
    None,
    [],
    {},
    "9" * 5_000,
    "0x1",
    "1e3",
    "-5",
    "+5",
    " 5",
    "1_0",
    "\uff15",
]
ATTRIBUTES: list[Any] = [{}, None, [], "1", 7, *({"ApproximateReceiveCount": count} for count in COUNTS)]


def hostile_sources(own: str) -> dict[str, Any]:
    """Return what is not the ARN of a function's own queue."""
    _, _, _, region, account, queue = own.split(":")
    return {
        "no source": None,
        "an empty source": "",
        "a source that is a number": 7,
        "a source that is a list": [own],
        "a source that is an object": {"arn": own},
        "a source that is bytes": own.encode(),
        "a name for a source": queue,
        "a URL for a source": f"https://sqs.{region}.amazonaws.com/{account}/{queue}",
        "a source of SNS": own.replace(":sqs:", ":sns:"),
        "a source that ends like ours": f"{own}:{queue}",
        "a source of another account": own.replace(account, ACCOUNT),
        "a source of no account": own.replace(account, ""),
        "a source of another region": own.replace(region, "eu-central-1"),
        "a source of no region": own.replace(region, ""),
        "a source of another partition": own.replace("arn:aws:", "arn:aws-cn:"),
        "a source without a partition": own.removeprefix("arn:aws:"),
        "another stack's queue": own.replace(queue, f"other-{queue}"),
        "another stack's queue of a like name": f"{own}2",
        "a queue in order": f"{own}.fifo",
        "a queue in upper case": own.upper(),
        "a queue with a blank": f"{own} ",
        "a queue that is not declared": own.replace(queue, "contract-nobody"),
        "a queue with a path": own.replace(queue, f"../{queue}"),
        "a queue of dead letters of dead letters": f"{own}-dead-dead",
        "a queue with a lone surrogate": f"{own}\ud800",
        "a queue with other letters": own.replace("default", "d\u0435fault"),
    }


def hostile_batches(record: dict[str, Any]) -> dict[str, Any]:
    """Return events that no function may work on, made of the record of an honest message."""
    own: str = record["eventSourceARN"]
    changed = {
        **{name: {"eventSourceARN": value} for name, value in hostile_sources(own).items()},
        **{f"the service {value!r}": {"eventSource": value} for value in SERVICES},
        **{f"the attributes {str(value)[:40]}": {"attributes": value} for value in ATTRIBUTES},
    }
    hostile = {name: record | change for name, change in changed.items()}
    hostile |= {f"a record without {name}": without(record, name) for name in REQUIRED}
    hostile |= {
        "a record that is null": None,
        "a record that is a text": record["body"],
        "a record that is a list": list(record.items()),
        "a record that is an empty object": {},
        "a record of S3 that claims to be of SQS": {
            "eventSource": "aws:sqs",
            "s3": {"object": {"key": TASK}},
        },
        "a record with names of SNS": {"EventSource": "aws:sqs", "EventSubscriptionArn": own, "Sns": {}},
        "a deep record": nested(900, dict),
    }
    # One bad record spoils its batch, wherever it is: no queue of ours sends such a batch.
    return {
        **{name: {"Records": [each]} for name, each in hostile.items()},
        **{f"{name}, after an honest one": {"Records": [record, each]} for name, each in hostile.items()},
    }


REQUIRED = ("messageId", "receiptHandle", "body", "attributes", "eventSource", "eventSourceARN")


def odd_batches(record: dict[str, Any], forged: str) -> dict[str, Any]:
    """Return batches of the function's own queue whose one message is forged, and whose rest is odd."""
    record = record | {"body": forged}
    return {
        **{
            f"the id: {name}": {"Records": [record | {"messageId": text}]}
            for name, text in NAMES.items()
            if text
        },
        "a handle that is long": {"Records": [record | {"receiptHandle": "x" * 100_000}]},
        "a receipt too many": {
            "Records": [record | {"attributes": {"ApproximateReceiveCount": "999999999"}}]
        },
        "attributes that name code": {
            "Records": [record | {"messageAttributes": {"task": {"stringValue": TASK}}}]
        },
        "a command beside": {"Records": [record], "command": TASK, "raw_command": "1/0", "sig": "x"},
        "a request beside": {"Records": [record], "httpMethod": "GET", "path": "/", "requestContext": {}},
        "two thousand at once": {"Records": [record | {"messageId": str(n)} for n in range(2_000)]},
    }


def hostile_migrations() -> dict[str, Any]:
    """Return what is nearly the one event that starts a migration, or asks for more than that."""
    words: list[Any] = [
        "Migrate",
        "migrate ",
        "migrate\0",
        "flush",
        "shell",
        "",
        None,
        True,
        ["migrate"],
        b"migrate",
    ]
    return {
        **{f"to do {word!r}": {"do": word} for word in words},
        "an application too": {"do": "migrate", "app": "auth"},
        "a migration to go back to": {"do": "migrate", "args": ["auth", "zero"]},
        "a fake one": {"do": "migrate", "fake": True},
        "a database": {"do": "migrate", "database": "default"},
        "another key": {"Do": "migrate"},
        "a key of Unicode": {"d\u043e": "migrate"},
        "a program beside": {"do": "migrate", "raw_command": "1/0"},
        "a list": ["migrate"],
        "a list of pairs": [["do", "migrate"]],
        "a text": "migrate",
        "JSON in a text": '{"do": "migrate"}',
        "a batch": {"Records": [{"eventSource": "aws:sqs", "body": '{"do": "migrate"}'}]},
        "in a detail": {"detail-type": "x", "source": "shop", "detail": {"do": "migrate"}},
        "Zappa's": {"manage": "migrate --noinput"},
        "CloudFormation's": {"RequestType": "Create", "ResourceProperties": {"do": "migrate"}},
    }
