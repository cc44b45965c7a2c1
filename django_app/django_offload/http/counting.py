"""
Count in a cache how often something happened in a window of time, for all processes that share the cache.

A window begins with the first count and has one entry, a whole number: the second in which the window ends,
and the count in its last 30 bits. So one call adds 1 and returns both. 64 bits hold it, as Memcached and
Redis need.
"""

from threading import Lock
from time import time

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router, transaction

COUNT_BITS = 30
MOST_COUNTS = (1 << COUNT_BITS) - 1
# An entry may expire between add() and incr(). It happens again and again only if nothing is stored.
TRIES = 5
# Seconds by which the clocks of two processes may differ, and by which a cache may forget an entry too late.
MOST_SKEW = 3_600

_lock = Lock()


class NothingStored(Exception):
    """A cache that doesn't keep what it is given."""

    def __init__(self, cache: BaseCache) -> None:
        super().__init__(f"{type(cache).__name__} stored no count")


def counts_for_all(cache: BaseCache) -> bool:
    """Return True if a cache adds in one step, so that processes at once lose no count."""
    return isinstance(cache, DatabaseCache) or type(cache).incr is not BaseCache.incr


def count(cache: BaseCache, key: str, period: int) -> tuple[int, int]:
    """
    Add 1 to a count, and return it with the whole seconds until its window ends.

    Raise NothingStored if the cache keeps nothing, and what the cache raises if it doesn't answer.
    """
    now = time()
    first = (int(now) + period) << COUNT_BITS
    if type(cache).incr is not BaseCache.incr:
        number = by_incr(cache, key, first, period)
    elif isinstance(cache, DatabaseCache):
        number = in_database(cache, key, first, period)
    else:
        with _lock:
            number = by_get_and_set(cache, key, first, period)
        if number == first + 1 and cache.get(key) is None:
            raise NothingStored(cache)
    return number & MOST_COUNTS, max((number >> COUNT_BITS) - int(now), 1)


def by_incr(cache: BaseCache, key: str, first: int, period: int) -> int:
    """Count in a cache whose incr() is one step, and raises ValueError for an entry that isn't there."""
    for _ in range(TRIES):
        cache.add(key, first, timeout=period)
        try:
            number = int(cache.incr(key))
        except ValueError:
            continue
        if number >> COUNT_BITS > (first >> COUNT_BITS) - period - MOST_SKEW:
            return number
        # Redis may make the entry in this moment, without an end.
        cache.delete(key)
    raise NothingStored(cache)


def in_database(cache: DatabaseCache, key: str, first: int, period: int) -> int:
    """Count in a table. Its incr() reads and writes in two steps, so a lock of the row holds others back."""
    alias = router.db_for_write(cache.cache_model_class)
    name = connections[alias].ops.quote_name
    table = name(cache._table)  # type: ignore[attr-defined]
    # Writes the row as it is, because SQLite has no other lock of it.
    lock = f"UPDATE {table} SET {name('value')} = {name('value')} WHERE {name('cache_key')} = %s"  # noqa: S608
    stored_key = cache.make_and_validate_key(key)
    for _ in range(TRIES):
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute(lock, [stored_key])
            if cursor.rowcount:
                return by_get_and_set(cache, key, first, period)
        # Only one of two processes can insert the row.
        if cache.add(key, first + 1, timeout=period + 1):
            return first + 1
    raise NothingStored(cache)


def by_get_and_set(cache: BaseCache, key: str, first: int, period: int) -> int:
    """Count in two steps, which the caller's lock makes one."""
    number = cache.get(key)
    now = (first >> COUNT_BITS) - period
    if not isinstance(number, int) or number >> COUNT_BITS <= now:
        number = first
    # A table stores whole seconds, so an entry would expire before its window ends.
    cache.set(key, number + 1, timeout=(number >> COUNT_BITS) - now + 1)
    return number + 1
