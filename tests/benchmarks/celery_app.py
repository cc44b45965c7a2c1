"""Celery with SQS as its documentation has it; and a worker that says what its tasks cost."""

import json
import os
import sys
import time
from urllib.parse import urlsplit

from celery import Celery

address = urlsplit(os.environ["AWS_ENDPOINT_URL"])
app = Celery("bench", broker=f"sqs://key:secret@{address.netloc}")
app.conf.update(
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": address.scheme == "https",
        "predefined_queues": {
            "celery": {
                "url": f"{os.environ['AWS_ENDPOINT_URL']}/123456789012/celery",
                "access_key_id": "key",
                "secret_access_key": "secret",
            }
        },
        # Tuned: it asks again at once, and for ten at a time.
        "polling_interval": 0,
        "wait_time_seconds": 1,
    },
    broker_connection_retry_on_startup=True,
    task_ignore_result=not os.environ.get("BENCHMARK_RESULTS"),
    result_backend=os.environ.get("BENCHMARK_RESULTS"),
    worker_prefetch_multiplier=40,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)

WARM, MEASURED = (int(os.environ.get(name, "0")) for name in ("BENCHMARK_WARM", "BENCHMARK_MEASURED"))
_seen = {"count": 0, "cpu": 0.0, "wall": 0.0}


@app.task(name="nothing")
def nothing(number: int) -> None:
    if not MEASURED:
        return
    _seen["count"] += 1
    if _seen["count"] == WARM:
        _seen.update(cpu=time.process_time(), wall=time.perf_counter())
    if _seen["count"] == WARM + MEASURED:
        cpu, wall = time.process_time() - _seen["cpu"], time.perf_counter() - _seen["wall"]
        print(json.dumps({"tasks": MEASURED, "cpu": cpu, "wall": wall}), flush=True)
        sys.stdout.flush()
        os._exit(0)
