"""AWS Signature Version 4: the header that says who sends a request, and that nobody changed it."""

import hmac
import time
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from .credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"

# Names, in lower case, and values.
type Headers = tuple[tuple[str, str], ...]


class Shared(NamedTuple):
    """What requests of one operation have in common that are signed within one second."""

    canonical: str  # What is hashed, up to the hash of the body.
    text: str  # What is signed, up to that hash.
    head: str  # The head as it travels, up to the signature.


class Signer:
    """Signs requests to one service in one region; keeps the key of a day for as long as it holds."""

    def __init__(self, service: str, region: str) -> None:
        self._service, self._region = service, region
        # The key and what it was derived from: written and read whole, so that threads need no lock.
        self._kept: tuple[str, str, hmac.HMAC] | None = None

    def head(
        self, path: str, host: str, headers: Headers, body: bytes, credentials: Credentials, now: float
    ) -> str:
        """
        Return the head of a POST, up to the end of the header that signs it; `now` is Unix time.

        `path` is as it stands in the request, without a query.
        """
        instant = _instant(int(now))
        scope = f"{instant[:8]}/{self._region}/{self._service}/aws4_request"
        shared = _shared(path, host, headers, credentials.access_key, credentials.token, instant, scope)
        canonical = shared.canonical + sha256(body).hexdigest()
        text = shared.text + sha256(canonical.encode()).hexdigest()
        signature = self._key(credentials.secret_key, instant[:8]).copy()
        signature.update(text.encode())
        return shared.head + signature.hexdigest()

    def _key(self, secret: str, day: str) -> hmac.HMAC:
        """Return the key of a day, ready to sign: a copy of that costs half of what hmac.digest() does."""
        if self._kept is not None and self._kept[:2] == (secret, day):
            return self._kept[2]
        key = f"AWS4{secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._kept = (secret, day, hmac.new(key, digestmod="sha256"))
        return self._kept[2]


@lru_cache(maxsize=4)
def _instant(now: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


# As many as one process calls within a second, functions of Lambda by their names included.
@lru_cache(maxsize=64)
def _shared(
    path: str, host: str, headers: Headers, access_key: str, token: str | None, instant: str, scope: str
) -> Shared:
    signed = {"host": host, **dict(headers), "x-amz-date": instant}
    if token:
        signed["x-amz-security-token"] = token
    names = sorted(signed)
    listed = ";".join(names)
    lines = "".join([f"{name}:{signed[name]}\n" for name in names])
    travels = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
    return Shared(
        # A path is encoded once more than it travels (every service but S3).
        canonical=f"POST\n{quote(path, safe='/~')}\n\n{lines}\n{listed}\n",
        text=f"{ALGORITHM}\n{instant}\n{scope}\n",
        head=f"POST {path} HTTP/1.1\r\n{travels}authorization: {ALGORITHM} Credential={access_key}/{scope}, "
        f"SignedHeaders={listed}, Signature=",
    )
