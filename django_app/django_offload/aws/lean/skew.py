"""This machine's clock against AWS's, which refuses requests signed minutes before or after its own time."""

from email.utils import parsedate_to_datetime

from ...exceptions import CallFailed, Refusal

CODES = frozenset(
    {
        "AuthFailure",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
# AWS takes signatures up to five minutes away.
LEAST_SKEW_SECONDS = 240.0


def skew_of(failure: CallFailed, now: float) -> float | None:
    """Return by how much AWS's clock is ahead of `now`, if that is why it refused; else None."""
    if not isinstance(failure, Refusal) or failure.code not in CODES:
        return None
    try:
        theirs = parsedate_to_datetime(failure.headers.get("date", "")).timestamp()
    except ValueError:
        return None
    return theirs - now if abs(theirs - now) >= LEAST_SKEW_SECONDS else None
