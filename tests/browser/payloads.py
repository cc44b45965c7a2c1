"""Tasks of the demo whose every text is hostile: run in its environment, this prints where they are shown."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django

# Each sets `hacked` if a page runs it, by another way: elements, attributes, addresses, templates, comments.
RUNS = "window.hacked=1"
PAYLOADS = [
    f"<script>{RUNS}</script>",
    f"</script><script>{RUNS}</script>",
    f"<ScRiPt src=data:text/javascript,{RUNS}></sCrIpT>",
    f"<img src=x onerror={RUNS}>",
    f"\"><img src=x onerror='{RUNS}'>",
    f"' onmouseover='{RUNS}' autofocus onfocus='{RUNS}",
    f'" autofocus onfocus="{RUNS}" x="',
    f"<svg onload={RUNS}>",
    f"<svg><animate onbegin={RUNS} attributeName=x dur=1s>",
    f"<details open ontoggle={RUNS}>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    f"<a href=javascript:{RUNS} id=hostile-link>x</a>",
    f"<math><mtext><script>{RUNS}</script></mtext></math>",
    f"<body onload={RUNS}>",
    f"<style>@import 'data:text/css,x'</style><form action=javascript:{RUNS}><button>x</button></form>",
    f"</title></textarea></noscript><script>{RUNS}</script>",
    f"--><script>{RUNS}</script><!--",
    f"]]><script>{RUNS}</script>",
    "{{ x|safe }}{% now 'Y' %}${7*7}",
    "<base href=https://evil.example/><meta http-equiv=refresh content='0;url=https://evil.example/'>",
]
TEXT = " ".join(PAYLOADS)


def make() -> dict[str, str]:
    """Store the tasks and return the addresses of the pages that show them, with a token if they need one."""
    from django_offload.http.tokens import piece_token, status_token
    from django_offload.protocol.json_codec import dump, to_micros
    from django_offload.protocol.record import error_part, initial_item
    from tests.contract.records import enqueued_task, storing
    from tests.integration.setup import store

    now, later = datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
    error = {"class": TEXT, "message": TEXT}
    pages = {}
    for number, state in enumerate(("READY", "RUNNING", "SUCCESSFUL", "FAILED"), 1):
        task_id = f"{number}" * 32
        enqueued = enqueued_task(
            task_id,
            name=TEXT,
            owner=TEXT[:900],
            arguments=dump([[TEXT], {TEXT: TEXT}]),
            enqueued_at=now,
        )
        item: dict[str, Any] = {**initial_item(enqueued), "status": state, "workers": [TEXT]}
        item |= {"fence": 1, "started_at": to_micros(now), "attempted_at": to_micros(now)}
        item |= {"due_at": to_micros(later), "lease_until": to_micros(later), "token": "t"}
        item["progress"] = dump({"done": 1, "total": 2, "message": TEXT})
        if state in {"SUCCESSFUL", "FAILED"}:
            item |= {"finished_at": to_micros(now), "hidden_at": to_micros(later), "errors": [error_part(1)]}
            part = dump({**error, "traceback": TEXT, "at": to_micros(now)})
            store().put_part(task_id, error_part(1), part, int(later.timestamp()))
        if state == "SUCCESSFUL":
            del item["due_at"], item["due_shard"]
            item |= {"result": dump(TEXT), "fence": 2}
        if state == "FAILED":
            item |= {"error": dump(error), "due_shard": -3}
        store().change(task_id, storing(item))
        words = {"label": TEXT, "then": f"javascript:{RUNS}", "link": TEXT}
        pages |= {
            f"{state} on the board": f"/admin/django_offload/task/{task_id}/change/",
            f"history of {state}": f"/admin/django_offload/task/{task_id}/history/",
            f"progress of {state}": f"/tasks/{task_id}/progress/?token={piece_token(task_id, words)}",
            f"status of {state}": f"/tasks/{task_id}/?token={status_token(task_id)}",
        }
    for name in ("underway", "failed", "all"):
        pages[f"list {name}"] = f"/admin/django_offload/task/?list={name}"
    return pages


if __name__ == "__main__":
    django.setup()
    print(json.dumps(make()))
    sys.exit(0)
