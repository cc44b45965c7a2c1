"""
Pytest fixtures for the tests of a project.

`offload` runs tasks in memory, and `offload_aws` runs them through moto with the deployed stack. If a test
fails while tasks wait for a commit, its report says so. Importing this module imports only pytest.
"""

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

# AWS, and so moto, purges a queue only once a minute.
PURGE_AT_ANY_TIME = {"MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "false"}

if TYPE_CHECKING:
    from .testing import Offload
    from .testing.aws import OffloadAWS


@pytest.fixture
def offload() -> "Iterator[Offload]":
    """Keep every queue of TASKS in memory. `offload.run()` runs the enqueued tasks."""
    from .testing import Offload

    with Offload().active() as active:
        yield active


@pytest.fixture(scope="session")
def _offload_server() -> "Iterator[AWSServer]":
    """Serve AWS's interfaces on loopback, once for all tests."""
    server = AWSServer()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def offload_aws(_offload_server: "AWSServer") -> "Iterator[OffloadAWS]":
    """Serve AWS's interfaces on loopback, with every stack of TASKS deployed and empty."""
    from .testing.aws import OffloadAWS

    with _offload_server.connected():
        _offload_server.deploy_or_empty()
        with OffloadAWS(_offload_server.aws).active() as active:
            yield active


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin each test with an empty memory. What its fixtures enqueue belongs to the test."""
    if "django_offload.aws.stand_ins" in sys.modules:  # Otherwise no task was enqueued yet.
        from .aws import memory

        memory.State.isolated = True
        memory.begin_test()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test the tasks that its last run() didn't deliver."""
    report = yield
    if report.when == "call" and report.failed:
        fixtures = getattr(item, "funcargs", {})
        of_mixin = getattr(getattr(item, "instance", None), "offload", None)
        warnings = {
            last_run.warning
            for runner in (fixtures.get("offload"), fixtures.get("offload_aws"), of_mixin)
            if (last_run := getattr(runner, "last", None)) is not None and last_run.warning
        }
        report.sections.extend(("Tasks that were not run", warning) for warning in sorted(warnings))
    return report


class AWSServer:
    """AWS on this machine, for a session of tests. The process uses it only during tests that ask for it."""

    def __init__(self) -> None:
        from .local.aws.local_aws import LocalAWS
        from .local.environment import applied

        self.templates: dict[str, str] = {}  # By stack, as the current TASKS need them.
        self.deployed_templates: dict[str, str] = {}
        self._stack_ids: set[str] = set()  # Of the deployed stacks, new with each deployment.
        self._templates_by_tasks: dict[str, dict[str, str]] = {}
        self._clients: dict[tuple[int, str], Any] = {}  # Creating a client takes longer than most tests.
        environment = dict(os.environ)
        self.aws = LocalAWS(in_process=True, templates=self.templates)
        with applied({}):
            self.aws.open()
        os.environ.clear()
        os.environ.update(environment)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.aws.close()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Make the clients of this process use this AWS until the block ends."""
        from .aws import clients
        from .local.environment import applied

        environment = self.aws.environment
        with applied({**environment, **PURGE_AT_ANY_TIME}), mock_aws_keeps_state():
            drop_clients()
            clients._clients.update(self._clients)
            try:
                yield
            finally:
                for key, client in clients._clients.items():
                    if client.meta.endpoint_url in environment.values():
                        self._clients[key] = client
                drop_clients()

    def deploy_or_empty(self) -> None:
        """Deploy the stacks of TASKS. If they are deployed already, empty them, because that is faster."""
        from django.conf import settings

        from .local.aws.local_aws import configured_templates

        tasks = repr(settings.TASKS)
        if tasks not in self._templates_by_tasks:
            self._templates_by_tasks[tasks] = configured_templates()
        self.templates.clear()
        self.templates.update(self._templates_by_tasks[tasks])
        # A test with mock_aws before this one has deleted everything, because moto's state is the process's.
        if self.templates == self.deployed_templates and self._stack_ids == self.stack_ids():
            self.empty()
        else:
            self.deployed_templates.clear()
            self.aws.reset()
            self.deployed_templates.update(self.templates)
            self._stack_ids = self.stack_ids()

    def stack_ids(self) -> set[str]:
        """Return the ids of the stacks that there are now."""
        stacks = self.aws.server.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackId"] for stack in stacks}

    def empty(self) -> None:
        """Delete all messages, records and objects."""
        self.aws.async_invocations.clear()
        sqs, dynamodb, s3 = (self.aws.server.client(service) for service in ("sqs", "dynamodb", "s3"))
        for url in sqs.list_queues().get("QueueUrls", []):
            sqs.purge_queue(QueueUrl=url)
        for outputs in self.aws.outputs.values():
            table, bucket = outputs["TableName"], outputs.get("BucketName")
            for item in dynamodb.scan(TableName=table)["Items"]:
                dynamodb.delete_item(TableName=table, Key={key: item[key] for key in ("id", "part")})
            for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []) if bucket else []:
                s3.delete_object(Bucket=bucket, Key=entry["Key"])


@contextmanager
def mock_aws_keeps_state() -> Iterator[None]:
    """
    Let a test that uses `offload_aws` use moto's mock_aws too, until the block ends.

    By itself mock_aws would delete the stacks, and change what moto's server answers. Here it does nothing,
    because boto3's clients lead to this server through AWS_ENDPOINT_URL.
    """
    from moto.core.config import default_user_config
    from moto.core.models import MockAWS

    with (
        mock.patch.object(MockAWS, "start"),
        mock.patch.object(MockAWS, "stop"),
        # If the server was started inside mock_aws, the end of that took this back.
        mock.patch.dict(default_user_config, {"lambda": {"use_docker": False}}),
    ):
        yield


def drop_clients() -> None:
    """Drop every client and every cached name, because they belong to another AWS."""
    from .aws import clients
    from .payloads import s3
    from .transports import sqs

    clients.reset_clients()
    sqs.clear_urls()
    s3.account_id.cache_clear()
