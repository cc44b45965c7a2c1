"""Where a page of a list ends and the next begins: a place in each partition, as text for an address."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from ..stores.listing import IndexEntry

# Of a partition: None before its first entry, END after its last.
END = IndexEntry(-1, "")
type Places = Sequence[IndexEntry | None]


def encoded(places: Places) -> str:
    text = json.dumps([list(place) if place else None for place in places], separators=(",", ":"))
    return urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def decoded(text: str, partitions: int) -> Places:
    """Return the places of an address; the beginning for what is none of this many partitions."""
    beginning: Places = [None] * partitions
    if not text:
        return beginning
    try:
        found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        places = [None if place is None else IndexEntry(int(place[0]), str(place[1])) for place in found]
    except (ValueError, TypeError, LookupError):
        return beginning
    return places if len(places) == partitions else beginning
