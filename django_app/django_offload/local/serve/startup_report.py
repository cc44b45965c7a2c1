"""A table of everything that was started and where to find it."""

from collections.abc import Iterator, Sequence

from ..aws.local_aws import LocalAWS
from ..aws.schedule import described
from ..lambda_.functions import function_name
from .reloader import SourceFiles

Row = tuple[str, str]


def report_rows(aws: LocalAWS, site: str | None, env_file: str, files: SourceFiles | None) -> Iterator[Row]:
    """Yield the name and place of each part, starting with those that people open first."""
    if site is not None:
        yield "site", site
    for mapping in aws.mappings:
        config = mapping.config
        at_once = min(aws.concurrency, config.concurrency or aws.concurrency)
        batch = f", {config.batch_size} messages each" if config.batch_size > 1 else ""
        yield f"queue {config.queue}", f"{function_name(config.function_arn)}, {at_once} at once{batch}"
    for rule, next_at in aws.schedule.next_times() if aws.schedule is not None else ():
        yield "schedule", described(rule, next_at)
    yield "AWS's interfaces", f"{aws.environment['AWS_ENDPOINT_URL']} (SQS, DynamoDB, S3, CloudFormation)"
    yield "Lambda", aws.environment["AWS_ENDPOINT_URL_LAMBDA"]
    yield "other AWS clients", f"run . {env_file} in their terminal first"
    if files is not None:
        folders = ", ".join(str(root) for root in files.roots)
        yield "code", f"{len(files)} files in {folders}; workers restart when one changes"


def table_lines(rows: Sequence[Row]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    for name, place in rows:
        yield f"  {name:<{width}}  {place}"
