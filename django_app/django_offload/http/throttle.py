"""A limit of requests by owner or address, counted in a cache that all processes share."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from time import monotonic

from django.core.cache import caches
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from ..backends.base import owner_function
from ..compat import task_backends
from ..conf import Options, backend_classes, reason, shown
from ..conf.request_owner import current_owner, owner_of, owner_of_session
from .counting import MOST_COUNTS, count

logger = logging.getLogger("django_offload")

type Rate = str | tuple[int, timedelta]
type Key = str | Callable[[HttpRequest], str | int | None]

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
RATE = re.compile(
    r"(?P<most>[0-9]{1,10})/(?P<times>[0-9]{0,8})(?P<unit>s|m|h|d|sec|min|second|minute|hour|day)s?"
)
LONGEST_PERIOD = timedelta(days=366)
# Networks of providers give each customer at least so many bits of an IPv6 address.
IPV6_PREFIX = 64
SALT = "django_offload.http.throttle"
# Every request may fail while a cache is away, and one line a minute says so.
SECONDS_BETWEEN_ERRORS = 60


class Throttle:
    """
    Let through so many requests in a period: `Throttle("10/m")`, or `Throttle("10/m", "100/d")`.

    A rate is a text (s, m, h or d, also "5/30s") or a pair such as (10, timedelta(minutes=1)). `key` says who
    is counted: "owner" (the task's owner, or the address of a visitor who isn't signed in), "address", or a
    function of the request that returns a text, or None for no limit. Each view counts apart, by the name of
    its URL; with `name`, the views whose throttles have this name count together.

    Call it with a request. It counts the request, and returns None, or the whole seconds to wait. A period
    begins with the first request in it. If the cache doesn't answer, the request is let through, and a line
    in the log says so.
    """

    def __init__(
        self, *rates: Rate, key: Key = "owner", cache: str = "default", name: str | None = None
    ) -> None:
        if not rates:
            raise TypeError('Throttle needs a rate. Give one, such as Throttle("10/m").')
        if not callable(key) and key not in {"owner", "address"}:
            raise ValueError(
                f"Throttle has the key {shown(key)}. Use 'owner', 'address', or a function of the request."
            )
        if not isinstance(cache, str):
            raise TypeError(f"Throttle has the cache {shown(cache)}. Name an alias of CACHES.")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"Throttle has the name {shown(name)}. Use a text, or None.")
        # The shortest period comes first, so that requests it refuses don't count in a longer one.
        self.rates = sorted(map(parse_rate, rates), key=lambda rate: rate[1])
        self.key, self.cache, self.name = key, cache, name
        self._next_error = 0.0

    def __call__(self, request: HttpRequest) -> int | None:
        who = self.identify(request)
        if who is None:
            return None
        cache = caches[self.cache]
        match = getattr(request, "resolver_match", None)
        what = self.name if self.name is not None else f"view:{match.view_name}" if match else ""
        for most, period in self.rates:
            try:
                number, wait = count(cache, entry_key(what, who, most, period), period)
            except Exception as exc:  # noqa: BLE001, each cache has errors of its own
                self._log(exc)
                return None
            if number > most:
                return wait
        return None

    def identify(self, request: HttpRequest) -> str | None:
        """Return who is counted, or None for no limit."""
        if self.key == "owner":
            owner = owner_of_account(request)
            return f"address:{network_of(request)}" if owner is None else f"owner:{owner}"
        if not callable(self.key):
            return f"address:{network_of(request)}"
        who = self.key(request)
        if who is None:
            return None
        if not isinstance(who, str | int) or isinstance(who, bool):
            raise TypeError(
                f"The key of a Throttle returned {shown(who)}. Return a text, or None for no limit."
            )
        return f"key:{who}"

    def _log(self, exc: Exception) -> None:
        if monotonic() < self._next_error:
            return
        self._next_error = monotonic() + SECONDS_BETWEEN_ERRORS
        logger.error(
            "CACHES['%s'] can't count requests, so they are let through: %s. Check the cache.",
            self.cache,
            reason(exc),
        )


def parse_rate(rate: object) -> tuple[int, int]:
    """Return a rate as a number of requests and a period in seconds."""
    match rate:
        case str() if found := RATE.fullmatch(rate):
            most = int(found["most"])
            period = timedelta(seconds=min(int(found["times"] or 1) * SECONDS[found["unit"][0]], 10**9))
        case (int(most), timedelta() as period) if not isinstance(most, bool):
            pass
        case _:
            raise ValueError(
                f'Throttle has the rate {shown(rate)}. Use "10/m", with s, m, h or d, or '
                "(10, timedelta(minutes=1))."
            )
    if not 1 <= most < MOST_COUNTS:
        raise ValueError(
            f"Throttle has the rate {shown(rate)}. Allow at least 1 request and fewer than {MOST_COUNTS:,}, "
            "or refuse all of them with has_permission()."
        )
    if not timedelta(seconds=1) <= period <= LONGEST_PERIOD or period.microseconds:
        raise ValueError(
            f"Throttle has the rate {shown(rate)}. Use a period of whole seconds, from 1 second to 366 days."
        )
    return most, int(period.total_seconds())


def owner_of_account(request: HttpRequest) -> str | None:
    """
    Return the owner of the request if it has signed in, or what the project's own OPTIONS["owner"] returns.

    A session is nobody here, because a client that drops its cookie gets another one.
    """
    for alias, backend in backend_classes().items():
        if not getattr(backend, "is_offload", False):
            continue
        options: Options = task_backends[alias].conf  # type: ignore[attr-defined]
        owner = owner_function(options)
        if owner is current_owner or (found := owner()) is None:
            continue
        if not is_of_session(str(found), request):
            return str(found)
    user = getattr(request, "user", None)
    return owner_of(request) if user is not None and user.is_authenticated else None


def is_of_session(owner: str, request: HttpRequest) -> bool:
    """Return True if an owner is made of a session, as by a function that calls current_owner()."""
    key: str | None = getattr(getattr(request, "session", None), "session_key", None)
    if not key:
        return False
    return key in owner or owner_of_session(key) in owner


def network_of(request: HttpRequest) -> str:
    """
    Return the client's IPv4 address, or the first 64 bits of its IPv6 address.

    It is REMOTE_ADDR, which the server sets. A client may write what it likes into X-Forwarded-For.
    """
    text = str(request.META.get("REMOTE_ADDR") or "")
    try:
        address = ip_address(text.partition("%")[0])  # Without the zone of a link-local address.
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address)


def entry_key(what: str, who: str, most: int, period: int) -> str:
    """Return the key of an entry. It is an HMAC, so that nobody reads addresses in the cache."""
    text = f"{most}/{period}\n{len(what)}\n{what}\n{who}".encode("utf-8", "surrogatepass")
    return f"{SALT}.{salted_hmac(SALT, text, algorithm='sha256').hexdigest()[:40]}"
