"""
What released versions wrote or told users to import still works: records, outbox rows, errors, handlers.

released/ holds samples as version 0.1.0 wrote them. No file there is changed; a new version adds its own.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string

from django_offload.definition.results import result_of
from django_offload.definition.retry_policy import RetryPolicy
from django_offload.exceptions import OffloadError
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import read_record
from django_offload.sending.outbox_row import unpack
from tests.reliability import tasks

ROOT = Path(__file__).resolve().parents[2]
RELEASED = Path(__file__).parent / "released"
HANDLERS = {
    "worker": "django_offload.worker.batch",
    "dead_letter": "django_offload.worker.dead_letter",
    "sweeper": "django_offload.worker.sweep",
    "migrate": "django_offload.worker.migration",
    "web": "handler",
}


def samples(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RELEASED / name).read_text().splitlines()]


VERSIONS = ("0.1.0", "version_1", "version_1_tenant", "version_2", "version_3")
RECORDS = samples("records_0.1.0.jsonl")
ROWS = [row for version in VERSIONS for row in samples(f"outbox_{version}.jsonl")]
ERRORS = (RELEASED / "errors_0.1.0.txt").read_text().split()
# Another attempt would end alike.
NEVER_REPEATED = {"Cancelled", "ResultTooLarge", "StepTooLarge"}


@pytest.mark.parametrize("sample", RECORDS, ids=lambda sample: str(sample["says"]))
def test_a_record_of_a_released_version_is_read_as_it_was_meant(sample: dict[str, Any]) -> None:
    record = read_record(sample["attributes"])

    assert (record.status, record.attempts) == (sample["means"]["status"], sample["means"]["attempts"])


@pytest.mark.parametrize("path", ERRORS)
def test_an_error_in_a_record_of_a_released_version_is_still_found(path: str) -> None:
    if not path.startswith(("django_offload.exceptions.", "django_offload.wire.")):
        import_module(path.rpartition(".")[0])  # A stored result imports nothing.
    failed = next(sample["attributes"] for sample in RECORDS if sample["says"] == "FAILED by its task")
    text = json.dumps({"class": path, "message": "so", "at": 0, "traceback": f"{path}: so\n"})

    result = result_of(read_record(failed), {"error#0001": text}, tasks.plain)

    found = result.errors[0].exception_class
    assert issubclass(found, OffloadError)
    assert found.__name__ == path.rpartition(".")[2]


@pytest.mark.parametrize("path", ERRORS)
def test_a_message_of_a_released_version_retries_on_the_errors_it_names(path: str) -> None:
    kind = import_string(path)
    policy = RetryPolicy.of(tasks.plain, max_attempts=2, changed={"retry_on": [path]})

    # Of an error, its class is what counts: none of these needs to be made as its callers make it.
    assert policy.retries(kind.__new__(kind), 1) is (kind.__name__ not in NEVER_REPEATED)


@pytest.mark.parametrize("sample", ROWS, ids=lambda sample: str(sample["says"]))
def test_an_outbox_row_of_a_released_version_is_read_as_it_was_meant(sample: dict[str, Any]) -> None:
    found = asdict(unpack(sample["row"]))

    found |= {name: to_micros(found[name]) for name in ("enqueued_at", "run_after") if found[name]}
    # A field that a later release was to write has a meaning now.
    tenant = json.loads(sample["row"]).get("tenant")
    assert found == {"root": None, "tenant": tenant, "unique": None, **sample["means"]}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_that_a_released_version_wrote_still_hands_over_ours(name: str, tmp_path: Path) -> None:
    # It lies at the root of a package.
    (tmp_path / "handler.py").write_text("def lambda_handler(event, context): ...\n")
    program = f"import sys, lambdas.{name} as it; print(it.__file__, it.handler.__module__)"
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    environment["LAB_DATABASE"] = str(tmp_path / "lab.sqlite3")
    environment["PYTHONPATH"] = os.pathsep.join([str(RELEASED), str(ROOT / "django_app"), str(tmp_path)])

    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.stdout, ran.stderr) == (f"{RELEASED}/lambdas/{name}.py {HANDLERS[name]}\n", "")


def test_the_default_owner_of_a_released_version_is_still_there() -> None:
    assert callable(import_string("django_offload.middleware.current_owner"))
