"""The system check of throttles."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage
from django.urls import get_resolver

from ..conf import reason, shown
from ..logs.escaping import printable
from .counting import counts_for_all
from .throttle import Throttle

MOST_WRAPPERS = 50
# A full table deletes entries before their period is over, and Django's default is 300 entries.
LEAST_ENTRIES = 10_000


def check_throttles(**kwargs: Any) -> list[CheckMessage]:
    """Warn about views whose Throttle counts in a cache that other processes don't share."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        used = {(*view, throttle.cache) for *view, throttle in throttles(get_resolver().url_patterns)}
    except Exception:  # noqa: BLE001, the project's URLs may raise anything, which Django's own check shows
        return []
    texts = [
        f"{view} at {shown(route)} has a Throttle that counts in CACHES[{shown(alias)}]: {problem}."
        for view, route, alias in sorted(used)
        if (problem := problem_of(alias)) is not None
    ]
    return [
        # A view has a Throttle that counts in a cache which processes don't share, or which can't be used.
        checks.Warning(
            text,
            hint="Give it a cache that all processes share: Redis, Memcached, or a table (DatabaseCache). On "
            "AWS Lambda, each instance of a function is a process with memory and files of its own.",
            id="django_offload.W019",
        )
        for text in texts
    ]


def problem_of(alias: str) -> str | None:
    """Return what is wrong with a cache for counting, or None."""
    try:
        cache = caches[alias]
    except Exception as exc:  # noqa: BLE001, a backend may raise anything when it is made
        return f"the cache can't be used, because of {reason(exc)}"
    name = type(cache).__name__
    if isinstance(cache, DummyCache):
        return f"{name} stores nothing, so everybody is let through"
    if isinstance(cache, LocMemCache):
        return f"{name} is in the memory of one process, so each process lets the whole rate through"
    most: int = cache._max_entries
    if isinstance(cache, DatabaseCache) and most < LEAST_ENTRIES:
        return (
            f"{name} keeps {most:,} entries, so it forgets counts as soon as more visitors come. "
            f"Set its OPTIONS['MAX_ENTRIES'] to {LEAST_ENTRIES:,} or more"
        )
    if not counts_for_all(cache):
        return f"{name} adds in two steps, so processes that count at the same time lose counts"
    return None


def throttles(patterns: Any) -> Iterator[tuple[str, str, Throttle]]:
    """Yield each Throttle that a view uses, after the view's path and its route. Includes are followed."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from throttles(pattern.url_patterns)
        elif getattr(pattern, "callback", None) is not None:
            for throttle in of_view(pattern.callback):
                yield printable(pattern.lookup_str), str(pattern.pattern), throttle


def of_view(view: Any) -> Iterator[Throttle]:
    """Yield the throttles of a view: of its class, given to as_view(), or named in a function."""
    for _ in range(MOST_WRAPPERS):
        view_class = getattr(view, "view_class", None)
        given = [*(getattr(view, "view_initkwargs", None) or {}).items()]
        named = {name for name, _value in given}
        for parent in getattr(view_class, "__mro__", ()):
            given += [(name, value) for name, value in vars(parent).items() if name not in named]
            named |= vars(parent).keys()
        code, names = getattr(view, "__code__", None), getattr(view, "__globals__", {})
        given += [(name, names[name]) for name in getattr(code, "co_names", ()) if name in names]
        for _name, value in given:
            several = value if isinstance(value, list | tuple) else [value]
            yield from (one for one in several if isinstance(one, Throttle))
        # A decorator, or functools.partial.
        view = getattr(view, "__wrapped__", None) or getattr(view, "func", None)
        if view is None:
            return
