"""
Every message version that was released stays readable: its messages may be days under way.

released/version_<n>.jsonl holds messages as that version wrote them, each with what it means. A file is
never changed; a new version adds its own.
"""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.message import VERSION, Keyring, decode
from django_offload.protocol.record import SUCCESSFUL
from tests.contract.setup import STACK
from tests.reliability import tasks
from tests.reliability.line import MemoryLine

FOLDER = Path(__file__).parent / "released"
SCOPE = f"{STACK}:default"
SECRET = "of the released messages"
RELEASED = [
    json.loads(text)
    for path in sorted(FOLDER.glob("version_*.jsonl"))
    for text in path.read_text().splitlines()
]


def test_f14_each_version_that_was_released_has_its_messages() -> None:
    assert {json.loads(entry["body"])["v"] for entry in RELEASED} == set(range(1, VERSION + 1))
    assert len(RELEASED) >= 8


@pytest.mark.parametrize("entry", RELEASED, ids=lambda entry: str(entry["says"]))
def test_f14_a_message_of_every_released_version_is_read_as_it_was_meant(entry: dict[str, Any]) -> None:
    found = decode(entry["body"], Keyring([SECRET], SCOPE))

    enqueued = asdict(found.enqueued)
    enqueued |= {name: to_micros(enqueued[name]) for name in ("enqueued_at", "run_after") if enqueued[name]}
    assert {**enqueued, "expires_at": to_micros(found.expires_at)} == {
        "root": None,
        "tenant": None,
        "unique": None,
        **entry["means"],
    }


@pytest.mark.parametrize("entry", [e for e in RELEASED if e["runs"]], ids=lambda entry: str(entry["says"]))
def test_f14_a_message_of_every_released_version_still_runs(
    line: MemoryLine, settings: Any, entry: dict[str, Any]
) -> None:
    settings.SECRET_KEY = SECRET
    line.transport.send("default", entry["body"], timedelta(0))

    line.site.run()

    assert line.record(entry["means"]["id"]).status == SUCCESSFUL
    assert tasks.executions == [7]
