"""
Fixtures for projects' tests.

`offload` runs tasks in memory; `offload_aws` through moto with the deployed stack. A test that fails while
tasks wait for a commit says so in its report. Importing this module imports pytest and nothing else.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

# AWS, and moto after it, purges a queue once a minute.
PURGE_AT_ANY_TIME = {"MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "false"}

if TYPE_CHECKING:
    from .testing import Offload
    from .testing.aws import OffloadAWS


@pytest.fixture
def offload() -> "Iterator[Offload]":
    """Every queue of TASKS in this process's memory: `offload.run()` runs what was enqueued."""
    from .testing import Offload

    with Offload().active() as active:
        yield active


@pytest.fixture(scope="session")
def _offload_server() -> "Iterator[Server]":
    """Serve AWS's interfaces on loopback, once."""
    server = Server()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def offload_aws(_offload_server: "Server") -> "Iterator[OffloadAWS]":
    """AWS's interfaces on loopback, with every stack of TASKS deployed by its own template, and empty."""
    from .testing.aws import OffloadAWS

    with _offload_server.reached():
        _offload_server.clean()
        with OffloadAWS(_offload_server.aws).active() as active:
            yield active


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say in the report of a failed test what its last run() left waiting for a commit."""
    report = yield
    if report.when == "call" and report.failed:
        for name in ("offload", "offload_aws"):
            last = getattr(getattr(item, "funcargs", {}).get(name), "last", None)
            if last is not None and last.said:
                report.sections.append(("Tasks that were not run", last.said))
    return report


class Server:
    """AWS on this machine for a session of tests; the environment leads there while a test asks for it."""

    def __init__(self) -> None:
        from .local.aws.local_aws import LocalAWS
        from .local.environment import applied

        self._wanted: dict[str, str] = {}  # The template of each stack.
        self._deployed: dict[str, str] = {}
        self._known: dict[str, dict[str, str]] = {}  # Templates by what TASKS says.
        self._clients: dict[tuple[int, str], Any] = {}  # To make them takes longer than most tests.
        before = dict(os.environ)
        self.aws = LocalAWS(in_process=True, templates=self._wanted)
        with applied({}):
            self.aws.open()
        os.environ.clear()
        os.environ.update(before)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.aws.close()

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Lead this process's environment and clients to this AWS, until the block ends."""
        from .aws import clients
        from .local.environment import applied

        environment = self.aws.environment
        with applied({**environment, **PURGE_AT_ANY_TIME}):
            _forget()
            clients._clients.update(self._clients)
            try:
                yield
            finally:
                for key, made in clients._clients.items():
                    if made.meta.endpoint_url in environment.values():
                        self._clients[key] = made
                _forget()

    def clean(self) -> None:
        """Have the stacks of TASKS deployed and empty."""
        from django.conf import settings

        from .local.aws.local_aws import configured_templates

        said = repr(settings.TASKS)
        if said not in self._known:
            self._known[said] = configured_templates()
        self._wanted.clear()
        self._wanted.update(self._known[said])
        if self._wanted == self._deployed:
            self._empty()
        else:
            self._deployed.clear()
            self.aws.reset()
            self._deployed.update(self._wanted)

    def _empty(self) -> None:
        """Remove messages, records and objects: much faster than to deploy anew."""
        self.aws.async_invocations.clear()
        sqs, dynamodb, s3 = (self.aws.server.client(service) for service in ("sqs", "dynamodb", "s3"))
        for url in sqs.list_queues().get("QueueUrls", []):
            sqs.purge_queue(QueueUrl=url)
        for outputs in self.aws.outputs.values():
            table, bucket = outputs["TableName"], outputs.get("BucketName")
            for item in dynamodb.scan(TableName=table)["Items"]:
                dynamodb.delete_item(TableName=table, Key={key: item[key] for key in ("id", "part")})
            for found in s3.list_objects_v2(Bucket=bucket).get("Contents", []) if bucket else []:
                s3.delete_object(Bucket=bucket, Key=found["Key"])


def _forget() -> None:
    """Drop every client and name: they belong to another AWS."""
    from .aws import clients
    from .payloads import s3
    from .transports import sqs

    clients.reset_clients()
    sqs.clear_urls()
    s3.account_id.cache_clear()
