"""A sensitive value that is planted in tasks, and what anybody can then see of it."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from traceback import format_exception

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from django_offload.compat import TASKS, TaskResultStatus
from django_offload.exceptions import EnqueueFailed
from django_offload.http import status_url
from django_offload.operations.unverified_bodies import unverified_bodies
from django_offload.outbox import drain
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.transitions import ask_to_stop
from tests.contract.setup import STACK, tasks_setting
from tests.faults import WatchingStore, WrappedStore, WrappedTransport, store_with, transport_with
from tests.integration import canary_tasks as tasks
from tests.integration.setup import MODULES, Queues, resigned
from tests.older_code import enqueued_by_older_code
from tests.unit.management.commands import run

# Each half of it is a hit too. The rest is written differently by repr(), JSON and URLs.
FIRST, SECOND = "c4a7e1b93d", "5f08d26e7a"
CANARY = f"{FIRST} \"é'\\ {SECOND}"
HIT = re.compile(f"{FIRST[:6]}|{SECOND[-6:]}")
BOARD = "admin:django_offload_task_"


class Quoting(Exception):
    """Quotes what was written or sent, as clients of AWS may do."""


class QuotingStore(WrappedStore):
    """Refuses changes of some names, each once, with an error that quotes the record."""

    def __init__(self, inner, *names):
        super().__init__(inner)
        self.names = list(names)

    def change(self, task_id, change):
        if change.name in self.names:
            self.names.remove(change.name)
            raise Quoting(f"no {change.name} of {dict(change.set_if_absent)} {self.get(task_id)}")
        return super().change(task_id, change)


class QuotingTransport(WrappedTransport):
    """Sends nothing, with an error that quotes the message."""

    def send(self, queue, text, delay, group=None):
        raise Quoting(f"no message {text}")


class Collector(logging.Handler):
    """Keeps every line of the log as a handler would write it, with tracebacks."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@contextmanager
def logged() -> Iterator[list[str]]:
    """Return the lines that the library and Django's tasks write to the log, at any level."""
    collector = Collector()
    loggers = [logging.getLogger(name) for name in ("django_offload", TASKS, "django.dispatch")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(collector)
        logger.setLevel(logging.DEBUG)
    try:
        yield collector.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(collector)
            logger.setLevel(level)


@pytest.fixture
def site(request, settings, clean_trace, transactional_db):
    settings.TASKS = tasks_setting(
        modules=[*MODULES, "tests.integration.canary_tasks"],
        outbox=True,
        history=True,
        owner="tests.integration.canary_tasks.owner",
    )
    return request.getfixturevalue("offload_aws")


@pytest.fixture
def visitors(site):
    """Return browsers of the tasks' owner, of staff who may see all tasks, and of nobody."""
    clients = {"bearer": Client(), "owner": Client(), "staff": Client()}
    owner = User.objects.create_user("owner")
    clients["owner"].force_login(owner)
    tasks.OWNERS.append(f"user:{owner.pk}")
    staff = User.objects.create_user("ada", is_staff=True)
    own = Permission.objects.filter(content_type__app_label="django_offload")
    staff.user_permissions.add(*own.exclude(codename="view_message_body"))
    clients["staff"].force_login(staff)
    yield clients
    tasks.OWNERS.clear()


def ends_by_itself(site, backend="default"):
    """Run a task for each way in which its own code ends it."""
    fails = tasks.fails.using(backend=backend)
    for task in (
        *(tasks.succeeds, tasks.fails, tasks.fails_async, tasks.fails_chained, tasks.fails_far_along),
        *(tasks.fails_twice, tasks.fails_with_a_broken_backoff, tasks.fails_and_waits),
        *(tasks.takes_too_long, tasks.returns_too_much, tasks.dies),
    ):
        yield task.using(backend=backend).enqueue(CANARY)
    yield fails.enqueue(card={"number": [CANARY]})
    yield fails.enqueue([CANARY] * 20)  # Beside the record.
    yield fails.enqueue([CANARY] * 9_000)  # In the bucket.
    yield from fails.enqueue_many([(CANARY,), {"card": CANARY}])
    yield enqueued_by_older_code(fails, CANARY, card=CANARY)  # No function takes these two.
    yield enqueued_by_older_code(fails, number=CANARY)
    site.run()


def ends_from_outside(site, queues):
    """End tasks by a cancel, a worker that dies, a dead letter, and AWS's refusals."""
    dead = tasks.fails.enqueue(CANARY)
    queues.use_up()
    yield dead
    forged = resigned(queues.body("default-dead"), depth=1)
    queues.send(json.dumps({**json.loads(forged), "sig": "0" * 64}, separators=(",", ":")), "default-dead")
    queues.send(f"no JSON {CANARY}", "default-dead")
    site.run()
    yield tasks.fails.enqueue(CANARY)
    for _ in range(3):
        site.kill_next(after_work=True)
    site.run()
    yield (cancelled := tasks.fails.enqueue(CANARY))
    assert run("offload_result", cancelled.id, "--cancel")[0] == 0
    for name in ("fail", "report", "claim", "succeed"):
        with store_with(lambda inner, name=name: QuotingStore(inner, name)):
            yield (tasks.succeeds if name == "succeed" else tasks.fails).enqueue(CANARY)
            site.run()
    site.run()
    # A cancel that arrives while the attempt fails.
    with store_with(
        lambda inner: WatchingStore(inner, "release", lambda task_id: inner.change(task_id, ask_to_stop()))
    ):
        yield tasks.fails_and_waits.enqueue(CANARY)
        site.run()


def is_not_sent(site):
    """Fail to send tasks now, again, by the sweeper, at a commit, and from the outbox, where one stays."""
    with transport_with(QuotingTransport):
        yield tasks.fails.enqueue(CANARY)
    yield (redriven := tasks.fails.enqueue([CANARY] * 20))
    site.run()
    with transport_with(QuotingTransport):
        assert run("offload_dead", "redrive", redriven.id)[0] == 0
        site.sweep()
        site.sweep(timedelta(hours=1))
        with store_with(lambda inner: QuotingStore(inner, *["create"] * 9)):
            with pytest.raises(EnqueueFailed) as raised:
                tasks.fails.enqueue(CANARY)
            # A view's log and Django's error mail would show this.
            assert not HIT.search("".join(format_exception(raised.value)))
            with transaction.atomic():
                tasks.fails.enqueue(CANARY)
            (entry,) = OutboxEntry.objects.all()
            assert not drain.send_entries([entry], lambda: 60.0)
            assert OutboxEntry.objects.count() == 1
        broken = OutboxEntry(id="b" * 32, alias="default", birth=f'["{FIRST}', created_at=entry.created_at)
        assert not drain.send_entries([broken], lambda: 60.0)


def without_an_outbox(settings):
    """Fail at a commit that nothing keeps the task for."""
    settings.TASKS = {
        alias: {**entry, "OPTIONS": {**entry["OPTIONS"], "outbox": False}}
        for alias, entry in settings.TASKS.items()
    }
    with (
        transport_with(QuotingTransport),
        store_with(lambda inner: QuotingStore(inner, "create")),
        transaction.atomic(),
    ):
        tasks.fails.enqueue(CANARY)


def pages(visitors, ids):
    """Return every answer of the site, by who asks for what."""
    answers = {}
    for task_id in ids:
        for who, client in visitors.items():
            answers[who, "status", task_id] = client.get(status_url(task_id))
            token = status_url(task_id).partition("?")[2]
            address = reverse("django_offload:progress", args=[task_id])
            answers[who, "progress", task_id] = client.get(f"{address}?{token}")
        staff = visitors["staff"]
        answers["staff", "task", task_id] = staff.get(reverse(f"{BOARD}change", args=[task_id]))
    for name in ("underway", "deferred", "failed", "dead", "all"):
        answers["staff", "list", name] = staff.get(f"{reverse(f'{BOARD}changelist')}?list={name}")
    answers["staff", "queues", ""] = staff.get(reverse(f"{BOARD}queues"))
    answers["staff", "unreadable", ""] = staff.get(reverse(f"{BOARD}unreadable"))
    for _, body in unverified_bodies():
        address = f"{reverse(f'{BOARD}unreadable')}?key={body.key}"
        answers["staff", "unreadable", body.key] = staff.get(address)
    return answers


def terminal(ids):
    """Return what every command prints, by its words."""
    commands = [("offload_status",), ("offload_doctor",), ("offload_sweep", "--seconds", "5")]
    commands += [("offload_dead", "list"), ("offload_dead", "list", "--failed")]
    for task_id in ids:
        commands += [("offload_result", task_id), ("offload_dead", "show", task_id)]
    commands += [("offload_dead", "show", body.key) for _, body in unverified_bodies()]
    commands += [("offload_dead", "redrive", "--all", "--failed")]
    return {words: run(*words)[1] for command in commands for words in (command, (*command, "--json"))}


def at_rest(site):
    """Return what is stored that contains the canary: item and attribute, object, message, row."""
    dynamodb, s3, sqs = (site.client(service) for service in ("dynamodb", "s3", "sqs"))
    found = set()
    for page in dynamodb.get_paginator("scan").paginate(TableName=f"{STACK}-tasks"):
        for item in page["Items"]:
            part = item["part"]["S"].partition("#")[0]
            found |= {f"{part}: {name}" for name, value in item.items() if HIT.search(json.dumps(value))}
    bucket = f"{STACK}-payloads-123456789012-us-east-1"
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        text = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
        if HIT.search(text):
            found.add(f"bucket: {entry['Key'].partition('/')[0]}")
    for url in sqs.list_queues()["QueueUrls"]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            if HIT.search(message["Body"]):
                found.add("message")
    return found | {"outbox" for entry in OutboxEntry.objects.all() if HIT.search(entry.birth)}


def hits(texts):
    """Return the places whose text contains the canary, with what surrounds it."""
    return {
        place: text[max(0, match.start() - 200) : match.end() + 60]
        for place, text in texts.items()
        if (match := HIT.search(text))
    }


def test_t05_a_canary_is_seen_nowhere_and_stored_only_where_arguments_are(site, visitors, settings, capfd):
    queues = Queues(site.client("sqs"))
    with logged() as lines:
        results = [*ends_by_itself(site), *ends_from_outside(site, queues), *is_not_sent(site)]
        for result in results:
            result.refresh()
        ids = [result.id for result in results]
        answers, stored = pages(visitors, ids), at_rest(site)
        printed = terminal(ids)
        without_an_outbox(settings)
    stored |= at_rest(site)

    # It was really there: many errors, and messages and bodies that quote it.
    statuses = [result.status for result in results]
    assert statuses.count(TaskResultStatus.FAILED) >= 15
    assert TaskResultStatus.SUCCESSFUL in statuses
    assert {answer.status_code for answer in answers.values()} == {200}
    assert any("********" in answer.content.decode() for answer in answers.values())
    assert any("Quoting: refused: ('********" in line for line in lines)
    assert sum(len(result.errors) for result in results) > 15

    assert hits({place: answer.content.decode() for place, answer in answers.items()}) == {}
    assert hits({place: str(answer.headers) for place, answer in answers.items()}) == {}
    assert hits(printed) == {}
    assert hits(dict(enumerate(lines))) == {}
    assert hits(dict(zip(("stdout", "stderr"), capfd.readouterr(), strict=True))) == {}
    assert hits({result.id: "".join(error.traceback for error in result.errors) for result in results}) == {}
    assert stored == {
        "record: arguments",
        "arguments: text",
        "bucket: payloads",
        "bucket: dead",
        "message",
        "outbox",
    }


def test_t05_a_worker_that_is_invoked_directly_shows_no_canary(site, visitors, capfd):
    with logged() as lines:
        results = list(ends_by_itself(site, "other"))
        with store_with(lambda inner: QuotingStore(inner, "fail", "succeed", "claim")):
            results += [task.using(backend="other").enqueue(CANARY) for task in (tasks.fails, tasks.succeeds)]
            site.run()
        site.sweep(timedelta(hours=1))
        site.run()
        for result in results:
            result.refresh()
        answers = pages(visitors, [result.id for result in results])
        printed = terminal([result.id for result in results])

    assert sum(len(result.errors) for result in results) > 15
    assert any("will be retried: CallFailed: The delivery failed with Quoting" in line for line in lines)
    assert hits({place: answer.content.decode() for place, answer in answers.items()}) == {}
    assert hits(printed) == {}
    assert hits(dict(enumerate(lines))) == {}
    assert hits(dict(zip(("stdout", "stderr"), capfd.readouterr(), strict=True))) == {}
    assert hits({result.id: "".join(error.traceback for error in result.errors) for result in results}) == {}
