"""Where records are kept. The process has one store per stack; tests may put another in its place."""

from ..conf import Options
from .base import Due, Part, Store

__all__ = ["Due", "Part", "Store", "installed", "store_of"]

# By stack: what stands in for AWS in this process, in tests and simulations.
installed: dict[str, Store] = {}


def store_of(options: Options) -> Store:
    """Return the store of a stack: the one installed, else its table in DynamoDB."""
    if options.stack in installed:
        return installed[options.stack]
    from .dynamodb import DynamoDBStore

    return DynamoDBStore(options.alias, options.table, options.client)
