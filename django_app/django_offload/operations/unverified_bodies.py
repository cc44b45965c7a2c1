"""Bodies that did not verify: of messages that belong to no record, kept in the bucket."""

from collections.abc import Iterator

from ..conf import Options, stacks
from ..exceptions import PayloadLost
from ..payloads import Payloads, StoredObject, payloads_of
from .redrive import ActionResult

# Of the bucket: bodies that did not verify.
FOLDER = "dead/"
# Of a body that anyone may have sent, this much is read by default.
SHOWN_BYTES = 2_000


def bodies() -> Iterator[tuple[Options, StoredObject]]:
    """Yield the bodies that did not verify, of every stack that has a bucket."""
    for options in stacks():
        payloads = payloads_of(options)
        if payloads is not None:
            for kept in payloads.objects_under(FOLDER):
                yield options, kept


def body(key: str) -> bytes | None:
    """Return a body by its key, None if no stack keeps one there."""
    holder, data = _holder(key)
    return None if holder is None else data


def _holder(key: str) -> tuple[Payloads | None, bytes]:
    """Return who keeps a body, and the body: never what else a bucket holds, as arguments of tasks."""
    for options in stacks() if key.startswith(FOLDER) else ():
        payloads = payloads_of(options)
        try:
            found = payloads.get(key) if payloads is not None else None
        except PayloadLost:  # Said of what is missing, to whom may not list the bucket.
            continue
        if found is not None:
            return payloads, found
    return None, b""


def escaped(data: bytes, most: int) -> str:
    """Return the beginning of a body as ASCII that nothing takes for anything but text."""
    return data[:most].decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")


def act_on_body(action: str, key: str) -> ActionResult:
    """Discard a body by its key; say what became of it."""
    if action == "redrive":
        text = "A body that did not verify has no record: it can only be looked at (show) or discarded."
        return ActionResult(id=key, done=False, text=text)
    holder, _ = _holder(key)
    if holder is not None:
        holder.delete(key)
        return ActionResult(id=key, done=True, text="Discarded.")
    return ActionResult(
        id=key, done=False, text="There is no body of this key: see manage.py offload_dead list."
    )
