"""What was started, for people to read: a table of what it is, and where."""

import json
from collections.abc import Iterator, Sequence

from ..aws.event_source_mapping import EventSourceMapping
from ..aws.local_aws import LocalAWS
from ..aws.schedule import Rule
from .code_watch import Code

Row = tuple[str, str]


def rows(aws: LocalAWS, site: str | None, env_file: str, code: Code | None) -> Iterator[Row]:
    """Yield what is there and where, from what people open first to what they seldom need."""
    if site is not None:
        yield "site", site
    for mapping in aws.mappings:
        yield f"queue {mapping.mapping.queue}", _fed(mapping, aws.concurrency)
    for rule in aws.schedule.rules if aws.schedule is not None else ():
        yield "schedule", f"{_struck(rule)}, every {rule.period.total_seconds():.0f} s"
    yield "AWS's interfaces", f"{aws.environment['AWS_ENDPOINT_URL']} (SQS, DynamoDB, S3, CloudFormation)"
    yield "Lambda", aws.environment["AWS_ENDPOINT_URL_LAMBDA"]
    yield "other terminals", f". {env_file}"
    if code is not None:
        where = ", ".join(str(root) for root in code.roots)
        yield "code", f"{len(code)} files in {where}: a change replaces the workers"


def table(found: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a table."""
    width = max(len(what) for what, _ in found)
    for what, where in found:
        yield f"  {what:<{width}}  {where}"


def _fed(mapping: EventSourceMapping, concurrency: int) -> str:
    said = mapping.mapping
    at_once = min(concurrency, said.concurrency or concurrency)
    batch = f", {said.batch_size} messages each" if said.batch_size > 1 else ""
    return f"{_name(said.function_arn)}, {at_once} at once{batch}"


def _struck(rule: Rule) -> str:
    """Return what a schedule starts: a recurring task by the name it has in TASKS, else a function."""
    return str(json.loads(rule.input)["schedule"]) if rule.input else _name(rule.function_arn)


def _name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]
