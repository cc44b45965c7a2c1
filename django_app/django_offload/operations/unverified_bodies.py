"""Message bodies that did not verify. They belong to no record, so the bucket keeps them for staff to see."""

from collections.abc import Iterator

from ..conf import Options, stacks
from ..exceptions import PayloadLost
from ..payloads import Payloads, StoredObject, payloads_of
from .redrive import ActionResult

# The keys of these bodies in the bucket begin with this.
UNVERIFIED_PREFIX = "dead/"
# Anyone may have sent such a body, so only this much of it is shown by default.
SHOWN_BYTES = 2_000


def unverified_bodies() -> Iterator[tuple[Options, StoredObject]]:
    """Yield the unverified bodies of every stack that has a bucket, with the options of the stack."""
    for options in stacks():
        payloads = payloads_of(options)
        if payloads is not None:
            for stored in payloads.objects_under(UNVERIFIED_PREFIX):
                yield options, stored


def unverified_body(key: str) -> bytes | None:
    """Return the unverified body with this key, or None if no stack has one."""
    located = locate_unverified_body(key)
    return None if located is None else located[1]


def locate_unverified_body(key: str) -> tuple[Payloads, bytes] | None:
    """
    Return the payloads that store an unverified body, and the body. Return None if no stack has one.

    A key outside the prefix is never read, because a bucket also stores the arguments of tasks.
    """
    for options in stacks() if key.startswith(UNVERIFIED_PREFIX) else ():
        payloads = payloads_of(options)
        try:
            body = payloads.get(key) if payloads is not None else None
        except PayloadLost:  # S3 denies reading a missing key if the role may not list the bucket.
            continue
        if payloads is not None and body is not None:
            return payloads, body
    return None


def escaped(body: bytes, limit: int) -> str:
    """Return the first `limit` bytes of a body as printable ASCII, so that it is safe in a terminal."""
    return body[:limit].decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")


def act_on_body(action: str, key: str) -> ActionResult:
    """Discard an unverified body, and return what happened. Refuse to redrive it."""
    if action == "redrive":
        text = "A message that did not verify has no record, so it can't be redriven. Show or discard it."
        return ActionResult(id=key, done=False, text=text)
    located = locate_unverified_body(key)
    if located is None:
        text = "There is no message with this key. Run manage.py offload_dead list to see the keys."
        return ActionResult(id=key, done=False, text=text)
    payloads, _ = located
    payloads.delete(key)
    return ActionResult(id=key, done=True, text="Discarded.")
