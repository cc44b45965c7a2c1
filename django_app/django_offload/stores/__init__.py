"""Where records are kept. The process has one store per stack; tests may put another in its place."""

from collections.abc import Callable
from functools import cache

from ..conf import Options
from .base import DueEntry, Part, Store
from .listing import Listing

__all__ = ["DueEntry", "Listing", "Part", "Store", "installed", "listing_of", "store_of"]

# By stack: what stands in for AWS in this process, in tests and simulations.
installed: dict[str, Store] = {}


def store_of(options: Options) -> Store:
    """Return the store of a stack: the one installed, else its table in DynamoDB."""
    if options.stack in installed:
        return installed[options.stack]
    return _dynamodb()(options.alias, options.table, options.client)


@cache
def _dynamodb() -> Callable[[str, str, str], Store]:
    """Import what no stand-in needs."""
    from .dynamodb import DynamoDBStore

    return DynamoDBStore


def listing_of(options: Options) -> Listing:
    """Return the lists of a stack's records."""
    from .dynamodb_listing import DynamoDBListing
    from .memory import MemoryStore
    from .memory_listing import MemoryListing

    store = installed.get(options.stack)
    if isinstance(store, MemoryStore):
        return MemoryListing(store)
    return DynamoDBListing(options.alias, options.table)
