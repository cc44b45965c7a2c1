"""django-offload, as a project uses it."""

from datetime import UTC, datetime
from typing import Any

import django

from . import Work

BATCH, BULK = 10, 50


def enqueue() -> Work:
    django.setup()
    from tests.benchmarks.tasks import nothing

    return Work(once=lambda: nothing.enqueue(7), awaited=lambda: nothing.aenqueue(7))


def enqueue_many() -> Work:
    django.setup()
    from tests.benchmarks.tasks import nothing

    def once() -> None:
        sent = list(nothing.enqueue_many([(number,) for number in range(BULK)]))
        assert len(sent) == BULK

    return Work(once=once, tasks=BULK)


def generator() -> Work:
    """One call of enqueue_many for all that is asked for at a time, its answers thrown away."""
    django.setup()
    from tests.benchmarks.tasks import nothing

    asked = {"count": 0}

    def once() -> None:
        if count := asked.pop("count", 0):
            for answer in nothing.enqueue_many((number,) for number in range(count * BULK)):
                assert not isinstance(answer, Exception)

    return Work(once=once, tasks=BULK, prepare=lambda count: asked.update(count=count))


def work() -> Work:
    """The handler that AWS invokes, with batches of ten signed messages."""
    import lambdas.worker
    from django_offload.testing.events import Invocation

    events: list[Any] = []
    # Its time stands still, because one invocation is measured as often as there are batches.
    began_at = datetime.now(UTC)
    context = Invocation("bench-default-worker", clock=lambda: began_at)

    def once() -> None:
        assert lambdas.worker.handler(events.pop(), context) == {"batchItemFailures": []}

    return Work(once=once, tasks=BATCH, prepare=lambda count: events.extend(batches(count)))


def batches(count: int) -> list[Any]:
    """Return events of ten signed messages each, as the backend sends them."""
    from django_offload import stores, transports
    from django_offload.conf import configured
    from django_offload.stores.memory import MemoryStore
    from django_offload.testing.events import sqs_event
    from django_offload.transports.memory import MemoryTransport
    from tests.benchmarks.tasks import nothing

    options, transport = configured()["default"], MemoryTransport(lambda: datetime.now(UTC))
    with stores.use(options.stack, MemoryStore()), transports.use(options.stack, transport):
        for _ in range(count * BATCH):
            nothing.enqueue(7)
        queue = options.queue("default")
        return [sqs_event(transport.receive("default", BATCH), queue) for _ in range(count)]
