"""Where records are kept: each stack has one store in a process, which a test may replace."""

from functools import lru_cache

from ..aws.stand_ins import Clock, StandIns
from ..conf import Options
from .base import DueEntry, Part, Store
from .listing import Listing

__all__ = ["DueEntry", "Listing", "Part", "Store", "listing_of", "store_of", "use"]


@lru_cache(maxsize=32)
def store_of(options: Options) -> Store:
    """Return the store of a stack: its stand-in, or else its table in DynamoDB."""
    from .dynamodb import DynamoDBStore

    stand_in = stand_ins.get(options)
    return stand_in or DynamoDBStore(options.alias, options.table, options.client)


def listing_of(options: Options) -> Listing:
    """Return the lists of a stack's records."""
    from .dynamodb_listing import DynamoDBListing
    from .memory import MemoryStore
    from .memory_listing import MemoryListing

    stand_in = stand_ins.get(options)
    if isinstance(stand_in, MemoryStore):
        return MemoryListing(stand_in)
    return DynamoDBListing(options.alias, options.table, options.client)


def in_memory(clock: Clock) -> Store:
    from .memory import MemoryStore

    return MemoryStore()


stand_ins: StandIns[Store] = StandIns(store_of.cache_clear, in_memory)
use = stand_ins.use
