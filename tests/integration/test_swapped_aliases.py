"""Two aliases that swap their stacks: what is under way stays with its record and its bucket."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.db import transaction

from django_offload.conf import configured
from django_offload.exceptions import UnknownEvent
from django_offload.operations.describe import describe
from django_offload.operations.find import find
from django_offload.operations.redrive import redrive
from django_offload.outbox.models import OutboxEntry
from django_offload.payloads import payloads_of
from django_offload.sending.enqueue import upload_large_arguments
from django_offload.sending.outbox_row import pack, unpack
from django_offload.testing import Invocation
from django_offload.worker import sweep
from tests.integration import tasks
from tests.integration.setup import MODULES

LARGE = 310_000
MINUTES = timedelta(minutes=6)
NIGHTLY = {"task": "tests.integration.tasks.note", "when": "rate(1 day)", "args": ["nightly"]}
EVENT = {"schedule": "nightly", "alias": "default", "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def tasks_setting(backend, *stacks, **options):
    """Return TASKS with an alias for each stack."""
    return {
        alias: {
            "BACKEND": f"django_offload.backends.{backend}",
            "QUEUES": ["default", "reports"],
            "OPTIONS": {"stack": stack, "modules": MODULES, **options},
        }
        for alias, stack in zip(("default", "other"), stacks, strict=True)
    }


class Site:
    """Two deployed stacks, whose aliases can be swapped."""

    def __init__(self, aws, settings, backend, options):
        self.aws, self.settings, self.backend, self.options = aws, settings, backend, options

    def swap(self):
        self.settings.TASKS = tasks_setting(self.backend, "shop-b", "shop-a", **self.options)

    def objects(self, stack):
        """Return the keys in the bucket of a stack."""
        bucket = f"{stack}-payloads-123456789012-us-east-1"
        found = self.aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
        return [entry["Key"] for entry in found]

    def outcome(self, task_id):
        """Return the stack that has the record of a task, its status, and its return value."""
        self.aws.run()
        stored = find(task_id)
        return stored.options.stack, stored.record.status, describe(stored).get("return_value")


@pytest.fixture
def site_of(settings, request, clean_trace, transactional_db):
    def deploy(backend="SQSBackend", **options):
        settings.TASKS = tasks_setting(backend, "shop-a", "shop-b", **options)
        return Site(request.getfixturevalue("offload_aws"), settings, backend, options)

    return deploy


@pytest.mark.parametrize("backend", ["SQSBackend", "LambdaBackend"])
def test_what_is_under_way_ends_where_it_began(site_of, backend):
    site = site_of(backend)
    aws = site.aws
    aws.fail_next(ValueError("no"))
    failed = tasks.length.enqueue("x" * LARGE)
    aws.run()
    length, text = tasks.length.enqueue("x" * LARGE), tasks.returns_characters.enqueue(LARGE)

    site.swap()

    assert site.outcome(length.id) == ("shop-a", "SUCCESSFUL", LARGE)
    assert site.outcome(text.id) == ("shop-a", "SUCCESSFUL", "x" * LARGE)
    stored = find(failed.id)
    assert (
        redrive(stored.store, failed.id, stored.options, datetime.now(UTC)).text == "READY again, and sent."
    )
    assert site.outcome(failed.id) == ("shop-a", "SUCCESSFUL", LARGE)
    assert len(site.objects("shop-a")) == 3
    assert site.objects("shop-b") == []


def test_what_lost_its_message_is_sent_again_where_it_began(site_of):
    site = site_of()
    result = tasks.length.enqueue("x" * LARGE)
    sqs = site.aws.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="shop-a-default")["QueueUrl"])

    site.swap()

    assert site.aws.sweep(MINUTES)["sent"] == 1
    assert site.outcome(result.id) == ("shop-a", "SUCCESSFUL", LARGE)


def test_what_is_enqueued_after_the_swap_goes_to_the_new_stack(site_of):
    site = site_of()
    tasks.length.enqueue("before")

    site.swap()
    result = tasks.length.enqueue("x" * LARGE)

    assert site.outcome(result.id) == ("shop-b", "SUCCESSFUL", LARGE)
    assert (site.objects("shop-a"), len(site.objects("shop-b"))) == ([], 1)


def left_in_outbox(task, *args):
    """Commit a task in a process that dies right after the commit."""
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        return task.enqueue(*args)


def as_version_0_1_0_left_it(task_id, options):
    """Put the large arguments of a row into the bucket, as the first release did before the commit."""
    entry = OutboxEntry.objects.get(id=task_id)
    entry.birth = pack(upload_large_arguments(unpack(entry.birth), options)).replace('"v":1,', "")
    entry.save()


@pytest.mark.parametrize("first_release", [False, True])
def test_a_row_of_the_outbox_goes_where_its_large_arguments_are(site_of, first_release):
    site = site_of(outbox=True)
    result = left_in_outbox(tasks.length, "x" * LARGE)
    if first_release:
        as_version_0_1_0_left_it(result.id, configured()["default"])

    site.swap()

    assert site.aws.sweep(MINUTES)["drained"] == 1
    assert site.outcome(result.id) == ("shop-a" if first_release else "shop-b", "SUCCESSFUL", LARGE)
    assert not OutboxEntry.objects.exists()


def test_a_row_whose_large_arguments_are_gone_stays(site_of, caplog):
    site = site_of(outbox=True)
    result = left_in_outbox(tasks.length, "x" * LARGE)
    as_version_0_1_0_left_it(result.id, configured()["default"])
    payloads_of(configured()["default"]).delete(f"payloads/{result.id}/arguments")

    assert "drained" not in site.aws.sweep(MINUTES)

    assert find(result.id) is None
    assert f"Task id={result.id} stays in the outbox: PayloadLost: The task's data in S3" in caplog.text
    assert "is in no bucket that this process may read." in caplog.text


def test_the_sweeper_of_a_stack_leaves_the_rows_of_others_to_theirs(site_of, monkeypatch, caplog):
    site = site_of(outbox=True)
    result = left_in_outbox(tasks.length, "x" * LARGE)

    site.swap()

    monkeypatch.setenv("OFFLOAD_STACK", "shop-a")
    assert "drained" not in site.aws.sweep(MINUTES)
    assert caplog.messages == []
    monkeypatch.setenv("OFFLOAD_STACK", "shop-b")
    assert site.aws.sweep(MINUTES)["drained"] == 1
    monkeypatch.delenv("OFFLOAD_STACK")
    assert site.outcome(result.id) == ("shop-b", "SUCCESSFUL", LARGE)


def test_the_sweeper_of_a_stack_enqueues_what_its_own_aliases_schedule(site_of, monkeypatch):
    site = site_of(schedules={"nightly": NIGHTLY})
    site.swap()  # The stack itself is not deployed again yet, so its schedules name the other alias.
    monkeypatch.setenv("OFFLOAD_STACK", "shop-a")

    context = Invocation("shop-a-sweeper")
    assert sweep.handler(EVENT, context) == sweep.handler({**EVENT, "alias": "other"}, context)

    monkeypatch.delenv("OFFLOAD_STACK")
    assert site.aws.run() == 2  # Two messages of one task.
    assert tasks.RUNS == ["nightly"]
    monkeypatch.setenv("OFFLOAD_STACK", "shop-c")
    with pytest.raises(UnknownEvent):
        sweep.handler(EVENT, context)
