"""Threads that ask for a few keys while others work: never two of one key run, and no call is lost."""

import json
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime
from random import Random

import pytest

from django_offload.conf import configured
from django_offload.definition.unique import key_digits
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump
from django_offload.protocol.record import SUCCESSFUL
from django_offload.sending.enqueue import send
from django_offload.stores import store_of
from django_offload.transports import Delivery, transport_of
from django_offload.worker import execution
from django_offload.worker.attempt import PendingOutcome
from django_offload.worker.deadline import LambdaInvocation
from django_offload.worker.delivery import Worker
from tests.contract import unique_tasks as tasks
from tests.contract.setup import tasks_setting

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, CALLS, KEYS, WORKERS = 8, 25, 5, 3


class Race:
    """A few threads that enqueue, and a few workers that receive what they sent."""

    def __init__(self, receive, delete):
        self.receive, self.delete = receive, delete
        self.options = configured()["default"]
        self.lock = threading.Lock()
        self.running, self.runs = defaultdict(set), defaultdict(int)
        self.stored = {}  # When the outcome of a task was stored, by its id: until then it lives.
        self.together = []
        self.over = threading.Event()

    def run(self, task_id, key):
        with self.lock:
            self.together += [(key, other, task_id) for other in self.running[key]]
            self.running[key].add(task_id)
        threading.Event().wait(0.002)
        with self.lock:
            self.running[key].remove(task_id)
            self.runs[task_id] += 1

    def ask(self, number):
        """Return each call: when it began, and the id that it returned."""
        rng, calls = Random(number), []
        for _ in range(CALLS):
            key, began = rng.randrange(KEYS), datetime.now(UTC)
            task = EnqueuedTask(
                id=f"{rng.getrandbits(128):032x}",
                alias="default",
                name="tests.contract.unique_tasks.raced",
                queue="default",
                enqueued_at=began,
                arguments=dump([[key], {}]),
                unique=key_digits(self.options.stack, "raced", key),
            )
            holder = send(task, self.options)
            calls.append((began, task.id if holder is None else holder.task_id))
        return calls

    def work(self):
        while not self.over.is_set():
            for delivery in self.receive():
                invocation = LambdaInvocation(left=lambda: 60.0, whole=60, worker_id="w")
                worker = Worker(
                    options=self.options,
                    store=store_of(self.options),
                    transport=transport_of(self.options),
                    clock=lambda: datetime.now(UTC),
                    invocation=invocation,
                    complete_previous=lambda: None,
                )
                answer = worker.deliver(delivery)
                if isinstance(answer, PendingOutcome):
                    answer = worker.complete(answer)
                assert answer is None, answer
                self.stored[json.loads(delivery.body)["id"]] = datetime.now(UTC)
                self.delete(delivery)
            self.over.wait(0.005)

    def go(self):
        with ThreadPoolExecutor(THREADS + WORKERS) as pool:
            working = [pool.submit(self.work) for _ in range(WORKERS)]
            try:
                calls = [call for asked in pool.map(self.ask, range(THREADS)) for call in asked]
                store, ids = store_of(self.options), {task_id for _, task_id in calls}
                for _ in range(600):
                    if all((store.get(one) or {}).get("status") == SUCCESSFUL for one in ids):
                        break
                    self.over.wait(0.1)
            finally:
                self.over.set()
            for one in working:
                one.result()
        return calls


@pytest.fixture(params=["memory", "lean", "boto3"])
def race(request, settings, monkeypatch):
    client = {} if request.param == "memory" else {"client": request.param}
    settings.TASKS = tasks_setting(modules=["tests.contract.unique_tasks"], **client)
    offload = request.getfixturevalue("offload" if request.param == "memory" else "offload_aws")
    monkeypatch.setattr(execution, "limited", lambda seconds: nullcontext())  # Signals are the main thread's.
    options, lock = configured()["default"], threading.Lock()
    if request.param == "memory":
        transport = transport_of(options)

        def receive():
            with lock:
                return transport.receive("default", 1)

        made = Race(receive, transport.delete)
    else:
        sqs = offload.client("sqs")
        url = sqs.get_queue_url(QueueName=options.queue("default"))["QueueUrl"]

        def receive():
            for held in sqs.receive_message(QueueUrl=url).get("Messages", ()):
                yield Delivery(
                    id=held["MessageId"], body=held["Body"], queue="default", handle=held["ReceiptHandle"]
                )

        made = Race(receive, lambda held: sqs.delete_message(QueueUrl=url, ReceiptHandle=held.handle))
    monkeypatch.setattr(tasks, "racing", made.run)
    return made


def test_of_one_key_one_runs_and_each_call_is_followed_by_the_end_of_its_task(race):
    calls = race.go()

    assert len(calls) == THREADS * CALLS
    assert race.together == []
    for began, task_id in calls:
        assert race.stored[task_id] >= began, "lost"
    assert set(race.runs.values()) == {1}
    assert len({task_id for _, task_id in calls}) < len(calls), "nobody was a duplicate"
