"""What a process loads that enqueues, or works, by the lean client: no boto3, no botocore."""

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT
from tests.contract import tasks
from tests.contract.setup import TASK_MODULES, tasks_setting
from tests.integration.setup import Queues, event_of

ENQUEUE = """
import django, json, sys
django.setup()
from tests.contract import tasks
ids = [tasks.answer.enqueue().id, tasks.echo.enqueue("x" * 1_000).id]
ids.append(tasks.answer.using(backend="other").enqueue().id)
first = tasks.answer.get_result(ids[0])
print(json.dumps(ids), first.status)
"""
WORK = """
import json, sys
import lambdas.worker
from django_offload.testing import Invocation
event = json.load(sys.stdin)
print(lambdas.worker.handler(event, Invocation("contract-default-worker")))
"""
LOADED = """
packages = {"boto3", "botocore", "s3transfer", "urllib3"}
# Only `offload_doctor --probe` needs the first, only a task with sensitive arguments the second one, and only
# a mistake the others.
rare = {
    "django_offload.definition.probe",
    "django_offload.definition.masking",
    "django_offload.definition.arguments",
    "django_offload.definition.functions",
    "django_offload.conf.json_values",
}
print(sorted(name for name in sys.modules if name.partition(".")[0] in packages or name in rare))
"""


@pytest.fixture
def aws(request, settings):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, client="lean")
    settings.SECRET_KEY = "of-tests-only"
    return request.getfixturevalue("offload_aws")


def lines_of(script, aws, stdin=""):
    """Run a script in a process of its own, and return the lines it writes."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **aws.environment,
        "DJANGO_SETTINGS_MODULE": "tests.integration.lean_site",
        "PYTHONPATH": os.pathsep.join(["django_app", "."]),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script + LOADED],
        cwd=ROOT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_neither_to_enqueue_nor_to_work_loads_boto3(aws):
    said, loaded = lines_of(ENQUEUE, aws)
    assert said.endswith("READY")
    assert loaded == "[]"

    answer, loaded = lines_of(WORK, aws, json.dumps(event_of(Queues(aws.client("sqs")).take())))
    assert answer == "{'batchItemFailures': []}"
    assert loaded == "[]"
    assert tasks.answer.get_result(json.loads(said.partition("]")[0] + "]")[0]).return_value == 42
