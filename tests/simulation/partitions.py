"""Where the record of a walk is in the index `due`: a second description of protocol/shards.py."""

# Its end leaves another remainder for each number of shards.
NUMBER = 0x9E37
ID = f"{NUMBER:032x}"
SHARDS = (1, 2, 3, 8, 32, 64)
# The first partition of each band: with up to two shards, and with more.
FIRSTS = {"rescue": (0, 1_000), "deferred": (0, 2_000), "dead": (-2, 3_000), "failed": (-4, 4_000)}


def partition(band: str, number: int, shards: int) -> int:
    """Return the partition of a record with this number."""
    few, many = FIRSTS[band]
    return (few if shards <= 2 else many) + number % shards
