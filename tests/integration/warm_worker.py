"""
One warm worker: run thousands of tasks in this process, and print by how many MB it grew at most.

AWS's adapters run over a client that answers at once, so that nothing but the worker can grow.
"""

import logging
import os
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import django
from django.test.utils import override_settings

WARM_UP = 300


def memory() -> float:
    """Return the MB that this process has in memory."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return int(subprocess.check_output(["/bin/ps", "-o", "rss=", "-p", str(os.getpid())])) / 1e3


def grown(count: int) -> float:
    """Run so many tasks through the handler, and return by how many MB the process grew at most."""
    from django_offload.conf import configured
    from django_offload.testing.events import Invocation, sqs_event
    from django_offload.transports import Delivery
    from django_offload.worker.batch import handler
    from tests.benchmarks.modules_entered import without_network
    from tests.integration.warm_tasks import TASKS

    options = configured()["default"]
    worker = options.worker_function("default")
    with without_network() as client:
        events: list[Any] = []
        for task in TASKS:
            task.enqueue(7)
            delivery = Delivery(id="m1", body=client.body, queue="default", handle="r1")
            events.append((client.record, sqs_event([delivery], options.queue("default"))))
        sizes = []
        for number, (record, event) in enumerate(islice(cycle(events), WARM_UP + count)):
            client.record = record
            assert handler(event, Invocation(worker)) == {"batchItemFailures": []}
            if number >= WARM_UP:
                sizes.append(memory())
        return max(sizes) - sizes[0]


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.site"
    django.setup()
    from tests.benchmarks.site import offload

    logging.disable(logging.CRITICAL)
    with override_settings(
        TASKS={"default": offload(client="boto3", modules=["tests.integration.warm_tasks"])}
    ):
        print(f"{grown(int(sys.argv[1])):.1f}")


if __name__ == "__main__":
    main()
