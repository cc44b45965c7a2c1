"""The partitions of the index `due`: apart from each other, all read, and all used."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import django_offload
from django_offload.conf.validation import SHARDS
from django_offload.protocol import transitions
from django_offload.protocol.record import initial_item
from django_offload.protocol.shards import OLD_SHARDS, READ_SHARDS, Band, partition, partitions, shard_of
from tests.contract.records import ERROR, NOW, TOKEN, TTL, enqueued_task

HOUR = timedelta(hours=1)
LIBRARY = Path(django_offload.__file__).parent
# What writes an entry of the index, with the writer's number of shards.
WRITERS = {
    *("initial_item", "claim", "fail", "release", "abandon", "redrive", "look_at", "set_aside"),
    *("postpone", "send_again"),
}


def test_no_partition_belongs_to_two_bands_or_to_the_numbers_of_earlier_releases():
    bands = [set(partitions(band, old=False)) for band in Band]

    assert all(len(band) == READ_SHARDS for band in bands)
    assert len(set().union(*bands)) == len(Band) * READ_SHARDS
    assert not set().union(*bands) & set(range(-4, 2))


def test_readers_ask_the_partitions_of_earlier_releases_too():
    assert partitions(Band.RESCUE, Band.DEFERRED)[-2:] == [0, 1]
    assert len(partitions(Band.RESCUE, Band.DEFERRED)) == 2 * READ_SHARDS + 2
    assert partitions(Band.DEAD)[-2:] == [-2, -1]
    assert partitions(Band.FAILED)[-2:] == [-4, -3]


@given(st.sampled_from(Band), st.integers(0, 2**64), st.sampled_from(SHARDS))
def test_whatever_a_writer_chooses_is_read(band, number, shards):
    assert partition(band, number, shards) in partitions(band)


@pytest.mark.parametrize("shards", [1, 2, 3, 8, 32, 64])
def test_a_writer_uses_all_its_shards(shards):
    used = {shard_of(f"{number:032x}", shards=shards) for number in range(64)}

    assert len(used) == shards
    assert (max(used) < OLD_SHARDS) == (shards <= OLD_SHARDS)


def test_the_option_may_name_as_many_shards_as_readers_ask():
    assert (min(SHARDS), max(SHARDS)) == (1, READ_SHARDS)


@pytest.mark.parametrize(
    ("start", "band"), [(None, Band.RESCUE), (NOW + HOUR / 5, Band.RESCUE), (NOW + HOUR, Band.DEFERRED)]
)
def test_a_task_that_no_message_can_wait_for_is_deferred(start, band):
    item = initial_item(enqueued_task(f"{5:032x}", run_after=start), 32)

    assert item["due_shard"] == band.value + 5


@pytest.mark.parametrize(
    ("change", "band"),
    [
        (transitions.postpone("5" * 32, due_was=NOW, due_at=NOW, shards=32), Band.RESCUE),
        (
            transitions.postpone("5" * 32, due_was=NOW, due_at=NOW, band=Band.DEFERRED, shards=32),
            Band.DEFERRED,
        ),
        (
            transitions.send_again("5" * 32, due_was=NOW, due_at=NOW, now=NOW, counts=True, shards=32),
            Band.RESCUE,
        ),
        (transitions.redrive("5" * 32, now=NOW, due_at=NOW, shards=32), Band.RESCUE),
        (
            transitions.redrive("5" * 32, now=NOW, due_at=NOW, not_before=NOW + HOUR, shards=32),
            Band.DEFERRED,
        ),
        (transitions.abandon(now=NOW, result_ttl=TTL, error=ERROR, shards=32), Band.DEAD),
        (
            transitions.fail(
                fence=1, token=TOKEN, now=NOW, result_ttl=TTL, error=ERROR, part=None, shards=32
            ),
            Band.FAILED,
        ),
    ],
)
def test_each_write_puts_a_record_into_its_band(change, band):
    assert change.put["due_shard"] in range(band.value, band.value + 32)


@pytest.mark.parametrize(("due_at", "band"), [(NOW, Band.DEFERRED), (NOW + 2 * HOUR, Band.RESCUE)])
def test_a_backoff_that_no_message_can_wait_for_is_deferred(due_at, band):
    change = transitions.release(
        f"{5:032x}",
        fence=1,
        token=TOKEN,
        not_before=NOW + HOUR,
        due_at=due_at,
        error=ERROR,
        part="e",
        shards=32,
    )

    assert change.put["due_shard"] == band.value + 5


def test_every_writer_of_the_library_says_over_how_many_shards_and_whether_records_are_listed():
    """The defaults are for samples. A call without these would write where no option says so."""
    modules = (path for path in LIBRARY.rglob("*.py") if path.parent.name != "protocol")
    calls = [call for path in modules for call in writes(path)]

    assert len(calls) > 10
    assert {where for where, says_shards in calls if not says_shards} == set()


def writes(path):
    """Yield each call of a writer of the protocol, and whether it says over how many shards."""
    tree = ast.parse(path.read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("protocol.")
        for alias in node.names
    }
    for call in ast.walk(tree):
        match call:
            case ast.Call(func=ast.Name(id=name)) if name in WRITERS & imported:
                pass
            case ast.Call(func=ast.Attribute(value=ast.Name(id="transitions"), attr=name)) if name in WRITERS:
                pass
            case _:
                continue
        named = {keyword.arg for keyword in call.keywords}
        if name == "initial_item" and len(call.args) == 2:
            named.add("shards")
        says = {"shards", "listed"} if name in {"claim", "initial_item"} else {"shards"}
        yield f"{path.relative_to(LIBRARY)} {name}", says <= named
