"""Processes share no connections: a forked child makes its own, and its parent's stay open."""

import json
import os
import subprocess
import sys
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.architecture.sources import ROOT

# It runs in a process of its own, because this one has threads and must not fork.
FORKING = """
import os
if {unseen}:
    os.register_at_fork = lambda **hooks: None
from django_offload.aws import clients

def call():
    clients.client("sqs", "lean").get_queue_url(QueueName="shop-dev-default")

def begin():
    return clients.client("sqs", "lean").begin("get_queue_url", QueueName="shop-dev-default")

# Two connections: one is idle, and one has a call under way.
for call_under_way in [begin(), begin()]:
    call_under_way.result()
under_way = begin()
pids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        assert {unseen} or not clients._lean_clients
        call()
        call()
        os._exit(0)
    pids.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
assert under_way.result()["QueueUrl"]
call()
"""


@pytest.fixture
def stub():
    """Return the URL of a stub of AWS in another process."""
    command = [sys.executable, "-m", "tests.benchmarks.stub"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def counts(url):
    with build_opener(ProxyHandler({})).open(f"{url}/counts") as answer:
        return json.load(answer)


@pytest.mark.parametrize("unseen", [False, True], ids=["by Python", "by a server, without Python's hooks"])
def test_f28_a_forked_child_connects_anew_and_leaves_its_parents_connections_alone(stub, unseen):
    environment = {**os.environ, "AWS_ENDPOINT_URL": stub, "PYTHONPATH": "django_app"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING.format(unseen=unseen)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    # Two connections of the parent, and one of each child.
    counted = counts(stub)
    assert (counted["calls"], counted["connections"]) == ({"GetQueueUrl": 8}, {"GetQueueUrl": 4})
