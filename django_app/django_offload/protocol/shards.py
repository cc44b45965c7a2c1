"""
Where a record stands in the index `due`: in a band, which says why it is listed, and in a shard of it.

The key of the index is one number, the partition. DynamoDB accepts 1,000 writes a second in each, so writers
spread over OPTIONS["shards"] of them. Readers always ask READ_SHARDS, so that the option can change: a record
stays where it is until the next write that moves it.

    RESCUE     1,000 …   tasks that wait or run, and most likely have a message
    DEFERRED   2,000 …   tasks that start later than a message can wait, until the sweeper sends them
    DEAD       3,000 …   FAILED records that ended from outside, the oldest first
    FAILED     4,000 …   FAILED records whose task raised an exception, the oldest first

Releases up to 0.1.0 wrote to two shards, with numbers of their own from −4 to 1, and one band for tasks of
both kinds. Writers with at most two shards still do, so that such a release finds what they wrote. Readers
ask these partitions too.
"""

from datetime import datetime
from enum import Enum

from .conditional_write import Value
from .json_codec import to_micros

# The most that OPTIONS["shards"] may be, and as many as readers ask in each band.
READ_SHARDS = 64
# Up to so many, a writer uses the partitions of the releases that knew only these.
OLD_SHARDS = 2


class Band(Enum):
    """Why a record is in the index. The value is the number of the band's first partition."""

    RESCUE = 1_000
    DEFERRED = 2_000
    DEAD = 3_000
    FAILED = 4_000

    # Every enqueue() looks one up. Enum's own hash is a Python call.
    __hash__ = object.__hash__


# The first partition of each band in the numbers of the releases up to 0.1.0.
OLD_PARTITIONS = {Band.RESCUE: 0, Band.DEFERRED: 0, Band.DEAD: -OLD_SHARDS, Band.FAILED: -2 * OLD_SHARDS}


def partition(band: Band, number: int, shards: int) -> int:
    """Return the partition to write to, out of `shards` (1 to READ_SHARDS), for any number of a record."""
    if shards <= OLD_SHARDS:
        return OLD_PARTITIONS[band] + number % shards
    return band._value_ + number % shards


# The first partition of each band by the number of shards, for who has no time to call partition().
FIRST_PARTITIONS = {
    band: (0, *(partition(band, 0, shards) for shards in range(1, READ_SHARDS + 1))) for band in Band
}


def partitions(*bands: Band, shards: int = READ_SHARDS, old: bool = True) -> list[int]:
    """
    Return the partitions to read of these bands, each once; with `old`, those of earlier releases too.

    `shards` is how many the store asks (Store.read_shards).
    """
    numbers = [band.value + number for band in bands for number in range(shards)]
    if old:
        firsts = dict.fromkeys(OLD_PARTITIONS[band] for band in bands)
        numbers += [first + number for first in firsts for number in range(OLD_SHARDS)]
    return numbers


def history_partition(alias: str, number: int) -> str:
    """Return the partition of the index `history-sharded` that lists an alias's records of this shard."""
    return f"{alias}#{number}"


def history_partitions(alias: str, shards: int = READ_SHARDS) -> list[str]:
    """Return the partitions to read of that index, for the records of an alias."""
    return [history_partition(alias, number) for number in range(shards)]


def band_of(due_at: datetime, start: datetime) -> Band:
    """Return the band of a READY record: one that is due before its start waits for the sweeper's message."""
    return Band.DEFERRED if due_at < start else Band.RESCUE


def due_index(
    task_id: str, due_at: datetime, *, band: Band = Band.RESCUE, shards: int = OLD_SHARDS
) -> dict[str, Value]:
    """Return the attributes that put a record into the sweeper's index."""
    return {"due_at": to_micros(due_at), "due_shard": shard_of(task_id, band=band, shards=shards)}


def shard_of(task_id: str, *, band: Band = Band.RESCUE, shards: int = OLD_SHARDS) -> int:
    """Return the partition of the sweeper's index in which a record is written."""
    return partition(band, int(task_id[-4:], 16), shards)


def failed_index(band: Band, now: datetime, shards: int) -> dict[str, Value]:
    """Return the attributes that put a record into the index of FAILED records."""
    micros = to_micros(now)
    # The last digits of an instant are as random as those of the id, and every transition knows the instant.
    return {"due_at": micros, "due_shard": partition(band, micros, shards)}
