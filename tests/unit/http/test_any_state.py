"""Whatever state a task is in and whatever texts it has, every face shows it, and all agree."""

import json
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.template import engines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_offload.conf import configured
from django_offload.http import views
from django_offload.http.tokens import status_token
from django_offload.management.output import Output
from django_offload.management.rendering import record_lines
from django_offload.operations.describe import describe
from django_offload.operations.find import find
from django_offload.protocol.json_codec import dump, to_micros
from django_offload.protocol.record import error_part, initial_item
from django_offload.stores import store_of
from tests.contract.records import LEASE, NOW, TTL, enqueued_task

TASK = "3" * 32
# Lone surrogates, NUL, control characters and what turns the direction of a line, too.
ODD = st.sampled_from(
    ["\ud800", "\udfff", "\x00", "\x1b[2J", "\r\n", "\u202e", "\u2028", "</script>", "{{ x }}"]
)
TEXTS = ODD | st.text(max_size=8)
NUMBERS = st.integers(0, 10**30) | st.floats(0, 1e300)
MICROS = st.integers(0, 60_000_000).map(lambda later: to_micros(NOW) + later)


@st.composite
def records(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a record in any state, and the texts beside it."""
    status = draw(st.sampled_from(["READY", "RUNNING", "SUCCESSFUL", "FAILED"]))
    name = draw(st.sampled_from(["tests.contract.tasks.add", "gone.tasks.pay"]) | TEXTS)
    arguments = dump([draw(st.lists(TEXTS, max_size=2)), draw(st.dictionaries(TEXTS, TEXTS, max_size=2))])
    enqueued = enqueued_task(TASK, name=name, arguments=arguments, owner=draw(st.none() | TEXTS))
    began = draw(st.integers(1 if status in {"RUNNING", "SUCCESSFUL"} else 0, 4))
    failed = draw(st.integers(0, began - (status in {"RUNNING", "SUCCESSFUL"}))) if began else 0
    error = {"class": draw(st.just("builtins.ValueError") | TEXTS), "message": draw(TEXTS)}
    item: dict[str, Any] = {**initial_item(enqueued), "status": status, "fence": began}
    item["workers"] = draw(st.lists(TEXTS, min_size=began, max_size=began))
    item["errors"] = [error_part(fence) for fence in range(1, failed + 1)]
    if began:
        item |= {"started_at": draw(MICROS), "attempted_at": draw(MICROS)}
    if status == "RUNNING":
        item |= {"lease_until": to_micros(NOW + LEASE), "token": "t"}
        if draw(st.booleans()):
            progress = {"done": draw(NUMBERS), "total": draw(st.none() | NUMBERS), "message": draw(TEXTS)}
            item["progress"] = dump(progress)
    if status in {"SUCCESSFUL", "FAILED"}:
        item |= {"finished_at": draw(MICROS), "hidden_at": to_micros(NOW + 10_000 * TTL)}
    if status == "SUCCESSFUL":
        item["result"] = dump(draw(TEXTS))
    if status == "FAILED" or (status == "READY" and failed):
        item["error"] = dump({**error, **({"ended": True} if draw(st.booleans()) else {})})
    parts = {
        part: dump({**error, "traceback": draw(TEXTS), "at": to_micros(NOW)})
        for part in item["errors"]
        if draw(st.integers(0, 9))
    }
    return item, parts


def test_every_face_shows_any_state(ours, offload, rf, tmp_path):
    store = store_of(configured()["default"])
    template = engines["django"].from_string("{% load offload %}{% task_progress result %}")
    request = rf.get(f"/tasks/{TASK}/", headers={"X-Offload-Token": status_token(TASK)})
    request.user = User(is_active=True, is_staff=True, is_superuser=True)

    @settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(records())
    def every(state: tuple[dict[str, Any], dict[str, str]]) -> None:
        item, parts = state
        store.records[TASK] = item
        store.texts[TASK] = parts

        piece = HttpResponse(template.render({"result": TASK}, request))  # Encodes it.
        status = views.status(request, TASK)

        assert f'data-status="{item["status"]}"' in piece.text
        for told in (json.loads(status.content), printed(tmp_path)):
            assert (told["status"], told["attempts"]) == (item["status"], len(item["workers"]))
            if item["status"] == "FAILED":
                error = json.loads(item["error"])
                assert [told["error"][name] for name in ("class", "message")] == list(error.values())[:2]
            assert told["progress"] == (json.loads(item["progress"]) if "progress" in item else None)

    every()


def printed(folder: Path) -> dict[str, Any]:
    """Return the JSON that offload_result prints, and fail if a terminal of ASCII can't show its text."""
    stored = find(TASK, with_parts=True)
    assert stored is not None
    description = describe(stored)
    told = {}
    for name in ("text", "json"):
        with (folder / name).open("w", encoding="ascii") as stream:
            output = Output(stdout=stream)
            output.configure_output(as_json=name == "json", no_color=True, force_color=False)
            output.write_json(description)
            for line in record_lines(description):
                output.write_line(*line)
        told[name] = (folder / name).read_text("ascii")
    assert not set(told["text"]) & {"\x00", "\x1b"}
    shown_json: dict[str, Any] = json.loads(told["json"])
    return shown_json
