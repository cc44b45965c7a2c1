"""Where records are kept. The process has one store per stack; tests may put another in its place."""

from ..conf import Options
from .base import Due, Store

__all__ = ["Due", "Store", "install", "store_of", "uninstall"]

_installed: dict[str, Store] = {}


def store_of(options: Options) -> Store:
    """Return the store of a stack: the one installed, else its table in DynamoDB."""
    from .dynamodb import DynamoDBStore

    return _installed.get(options.stack) or DynamoDBStore(options.alias, options.table)


def install(stack: str, store: Store) -> None:
    """Make a store of one's own that of a stack, in this process."""
    _installed[stack] = store


def uninstall(stack: str) -> None:
    _installed.pop(stack, None)
