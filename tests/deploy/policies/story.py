"""All that a deployed stack does, acted by the roles that do it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import product
from typing import Any
from unittest import mock

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from django_offload.aws import secrets
from django_offload.conf import configured
from django_offload.http import status_url
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.operations import schedules
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.record import RUNNING
from django_offload.stack.versions import LIVE
from django_offload.stores import store_of
from django_offload.testing import Invocation
from django_offload.worker.fan_out import hand_over
from django_offload.worker.sweep import sweep
from tests.deploy.policies import tasks as own
from tests.deploy.policies.calls import Recorder
from tests.integration import tasks

LARGE = 400_000  # Over 300,000 bytes, so it goes to the bucket.


class Story:
    """One stack, whose web process, workers, sweeper and board act in turn."""

    def __init__(self, aws: LocalAWS, recorder: Recorder, stack: str) -> None:
        self.aws, self.recorder, self.stack = aws, recorder, stack
        said = aws.outputs[stack]
        self.web_variables = {
            "OFFLOAD_STACK": stack,
            "OFFLOAD_QUEUE_URLS": said["QueueUrls"],
            "OFFLOAD_BUCKET": said["BucketName"],
            "OFFLOAD_ALIAS": LIVE,
        }

    def web(self) -> Any:
        return self.recorder.acting("web", self.web_variables)

    def tell(self) -> None:
        """Let everything happen that can."""
        self.read_secrets()
        self.enqueue_and_look()
        self.work()
        self.be_unique()
        self.cancel()
        self.bury()
        self.sweep()
        self.enqueue_scheduled()
        self.use_the_board()

    def read_secrets(self) -> None:
        for function in (
            f"{self.stack}-default-worker",
            f"{self.stack}-sweeper",
            f"{self.stack}-dead-letter",
        ):
            self._read_secrets(function, self.aws.functions.get(function).environment)
        self._read_secrets(
            f"{self.stack}-migrate", self.aws.functions.get(f"{self.stack}-migrate").environment
        )
        secrets = self.aws.functions.get(f"{self.stack}-sweeper").environment["OFFLOAD_SECRETS"]
        self._read_secrets("web", {**self.web_variables, "OFFLOAD_SECRETS": secrets})

    def _read_secrets(self, role: str, variables: Mapping[str, str]) -> None:
        with self.recorder.acting(role, variables):
            found = dict(variables)
            secrets.load(found)
            assert (found["SHOP_KEY"], found["SHOP_DATABASE"]) == ("k", "d")

    def enqueue_and_look(self) -> None:
        with self.web():
            small, beside = tasks.note.enqueue("a"), tasks.length.enqueue("x" * 1_000)
            large, returning = tasks.length.enqueue("x" * LARGE), tasks.returns_characters.enqueue(LARGE)
            for backend in ("default", "other"):
                tasks.note.using(backend=backend, queue_name="reports").enqueue("b")
            tasks.note.using(backend="other").enqueue("b")
            own.enqueues_both_ways.enqueue(LARGE)
            own.takes_a_step.enqueue()
            own.reads_a_result.enqueue(small.id)
            tasks.reports.enqueue()
            tasks.retried_later.enqueue("later")
            tasks.retried_later.using(queue_name="reports").enqueue("later too")
        self.aws.drain()
        with self.web():
            for result in (small, beside, large, returning):
                result.refresh()
                assert result.status == "SUCCESSFUL", result.errors
                assert Client().get(status_url(result.id)).json()["status"] == "SUCCESSFUL"

    def work(self) -> None:
        """What was kept by an attempt is read by the next one."""
        with self.web():
            result = own.takes_a_step.enqueue()
        # A message that is delivered again, after its task has ended.
        sqs = self.aws.server.client("sqs")
        url = self.aws.outputs[self.stack]["QueueUrlDefault"]
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        for _ in range(2):
            sqs.send_message(QueueUrl=url, MessageBody=message["Body"])
        self.aws.drain()
        result.refresh()
        assert result.return_value == 3

    def be_unique(self) -> None:
        """Take keys, lead to who has them, in bulk and at commit; redrive; help a process that died."""
        store = store_of(configured()["default"])
        with self.web():
            mine = own.alone.using(tenant="customer-7", metadata={"from": "web"})
            first = mine.enqueue(1)
            assert mine.enqueue(1).id == first.id
            assert [found.duplicate for found in mine.enqueue_many([(1,), (2,), (2,)])] == [True, False, True]
            with transaction.atomic():
                committed = [own.alone.enqueue(3, "x" * LARGE) for _ in range(2)]
            assert store.get(committed[1].id)["duplicate_of"] == committed[0].id  # type: ignore[index]
        self.aws.drain()
        with self.web():
            first.refresh()
            assert (first.status, first.metadata["number"]) == ("FAILED", 1)
            _command("offload_dead", "redrive", first.id)
            assert own.alone.enqueue(1).id == first.id
            killed = mock.patch("django_offload.sending.unique.send_all", side_effect=KeyboardInterrupt)
            with killed, suppress(KeyboardInterrupt):
                own.alone.enqueue(4)
            helped = own.alone.enqueue(4)
            assert helped.duplicate
        self.aws.drain()
        helped.refresh()
        assert helped.status == "FAILED"

    def cancel(self) -> None:
        client = Client()
        user = User.objects.create_user("ada", is_staff=True, is_superuser=True)
        client.force_login(user)
        with self.web():
            result = tasks.note.enqueue("c")
            assert client.post(reverse("django_offload:cancel", args=[result.id])).status_code == 202
        user.delete()
        self.aws.drain()

    def bury(self) -> None:
        """Let a message be received too often, with and without a record; and send what does not verify."""
        sqs, url = self.aws.server.client("sqs"), self.aws.outputs[self.stack]["QueueUrlDefault"]
        with self.web():
            tasks.note.enqueue("d")
            lost = tasks.note.enqueue("e")
            tasks.length.enqueue("x" * LARGE)  # Its end is announced with its arguments.
        self.aws.server.client("dynamodb").delete_item(
            TableName=f"{self.stack}-tasks", Key={"id": {"S": lost.id}, "part": {"S": "record"}}
        )
        sqs.send_message(QueueUrl=url, MessageBody="forged")
        for _ in range(20):
            sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10)
        self.aws.drain()
        assert store_of(configured()["default"]).get(lost.id)["status"] == "FAILED"  # type: ignore[index]

    def sweep(self) -> None:
        """Lose messages, and processes right after their commit; the sweeper sends again."""
        with self.web():
            for backend, queue in product(("default", "other"), ("default", "reports")):
                tasks.note.using(backend=backend, queue_name=queue).enqueue("f")
            tasks.length.enqueue("x" * 1_000)
            ended = tasks.length.enqueue("x" * LARGE)  # Here too.
        lost = {"status": RUNNING, "lease_until": 1, "cancelled": True}
        is_there = ((equals("id", ended.id),),)
        store_of(configured()["default"]).change(
            ended.id, ConditionalWrite(name="lost", conditions=is_there, put=lost)
        )
        self.aws.async_invocations.clear()
        for queue in ("QueueUrlDefault", "QueueUrlReports"):
            self.aws.server.client("sqs").purge_queue(QueueUrl=self.aws.outputs[self.stack][queue])
        with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
            tasks.length.enqueue("x" * LARGE)
        later = datetime.now(UTC) + timedelta(minutes=10)
        sweeper = self.aws.functions.get(f"{self.stack}-sweeper")
        with self.recorder.acting(sweeper.name, {**sweeper.environment, "OFFLOAD_ALIAS": LIVE}):
            done = sweep(lambda: later, lambda: 60.0)
            context = Invocation(sweeper.name, invoked_function_arn=sweeper.arn)
            assert len(hand_over(configured()["default"], 2, context, datetime.now(UTC))) == 1
        assert (done["drained"], done["ended"]) == (1, 1)
        assert done["sent"] >= 5
        self.aws.drain()

    def enqueue_scheduled(self) -> None:
        """Let every rule and schedule strike once, as EventBridge does."""
        schedule, before = self.aws.schedule, tasks.RUNS.count("struck")
        assert schedule is not None
        assert len(schedule.rules) == 2
        for rule in schedule.rules:
            schedule.invoke(rule)
        self.aws.drain()
        assert tasks.RUNS.count("struck") == before + 1
        # The web side pauses, resumes and runs a schedule, with what it may do anyway.
        options = configured()["default"]
        (state,) = schedules.schedule_states()
        with self.web():
            assert schedules.schedule_states()[0].last_at is not None
            assert schedules.pause(options, state.name)
        schedule.invoke(schedule.rules[-1])
        self.aws.drain()
        with self.web():
            assert schedules.resume(options, state.name)
            schedules.run_now(options, state.name, datetime.now(UTC))
        self.aws.drain()
        assert tasks.RUNS.count("struck") == before + 2

    def use_the_board(self) -> None:
        """Look at every page of the board, and do with commands what it does."""
        client, user = Client(), User.objects.create_user("eve", is_staff=True, is_superuser=True)
        client.force_login(user)
        with self.web():
            for page in ("changelist", "queues", "unreadable"):
                answer = client.get(reverse(f"admin:django_offload_task_{page}"))
                assert answer.status_code == 200, answer.text
            everything = client.get(reverse("admin:django_offload_task_changelist"), {"list": "all"})
            assert everything.status_code == 200
        user.delete()
        with self.web():
            listed = _command("offload_dead", "list", "--json")
            (key,) = [text for text in listed.split('"') if text.startswith("dead/")]
            _command("offload_status")
            _command("offload_dead", "show", key)
            _command("offload_dead", "discard", key)
            failed = tasks.pays.enqueue("card")
        self.aws.drain()
        with self.web():
            _command("offload_result", failed.id)
            _command("offload_dead", "redrive", failed.id)
        self.aws.drain()


def _command(*arguments: str) -> str:
    """Return what a command says; that it found something wrong ends it with 1."""
    out = StringIO()
    with suppress(SystemExit):
        call_command(*arguments, stdout=out)
    return out.getvalue()
