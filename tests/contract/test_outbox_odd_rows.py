"""Rows of the outbox that somebody changed: none keeps the rows beside it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_offload.conf import configured
from django_offload.outbox import drain as outbox
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.record import MESSAGE_LIFE, initial_item
from django_offload.sending.enqueue import message_text
from django_offload.sending.outbox_row import TYPES, pack, unpack
from tests.contract.outbox_site import drain, leave_behind, rows
from tests.contract.records import enqueued_task
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting

TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["\ud800", "", "x" * 3_000, "reports", "other"]))
NUMBERS = st.one_of(st.integers(-(2**63), 2**63), st.integers(10**9, 10**17))
FLOATS = st.sampled_from([float("nan"), float("inf"), 0.5])
OPTIONS = st.dictionaries(TEXTS, st.one_of(TEXTS, NUMBERS, FLOATS, st.none()), max_size=3)
CHANGES = st.dictionaries(
    st.sampled_from(sorted({*TYPES} - {"id"})), st.one_of(TEXTS, NUMBERS, OPTIONS, st.none()), max_size=1
)
FAR = 10**6 * int((datetime(9_999, 12, 31, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


@settings(max_examples=150, deadline=None)
@given(changes=CHANGES, options=OPTIONS, run_after=st.one_of(st.none(), st.integers(-FAR, FAR)))
def test_from_a_row_that_can_be_read_a_record_and_a_message_can_be_made(changes, options, run_after):
    row = json.loads(pack(enqueued_task("0" * 32)))
    try:
        enqueued = unpack(json.dumps({**row, "options": options, "run_after": run_after, **changes}))
    except (ValueError, TypeError, OverflowError):
        return

    assert initial_item(enqueued, 64, listed=True)["id"] == "0" * 32
    options = next(iter(configured().values()))
    assert message_text(enqueued, options, enqueued.start_at + MESSAGE_LIFE)


@pytest.mark.parametrize("name", ["alias", "name", "queue", "owner", "traceparent"])
def test_a_row_with_half_a_character_is_refused(name):
    row = {**json.loads(pack(enqueued_task("0" * 32))), name: "\ud800"}

    with pytest.raises(ValueError, match="surrogates not allowed"):
        unpack(json.dumps(row))


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, outbox=True)
    return request.getfixturevalue("offload")


@pytest.mark.parametrize(
    "changes", [{"options": {"backoff": float("nan")}}, {"run_after": FAR}, {"depth": -1}]
)
def test_the_rows_beside_a_changed_one_are_sent(site, changes):
    left = leave_behind(3)
    row = OutboxEntry.objects.get(id=left[1])
    row.birth = json.dumps({**json.loads(row.birth), **changes})
    row.save()

    drain()

    assert set(rows()) <= {left[1]}
    assert {left[0], left[2]} <= set(site.stores[STACK].records)


def test_a_task_for_which_nothing_can_be_sent_stops_none_beside_it(site, monkeypatch):
    left = leave_behind(3)
    send_many = outbox.send_many

    def refuse(group, *rest, **known):
        if left[1] in [enqueued.id for enqueued in group]:
            raise ValueError("no message can be made of it")
        return send_many(group, *rest, **known)

    monkeypatch.setattr(outbox, "send_many", refuse)

    assert drain() == 2
    assert rows() == [left[1]]
