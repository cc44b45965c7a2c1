"""AWS Signature Version 4: the header that says who sends a request, and that nobody changed it."""

import hmac
import time
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from .credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"

# Names, in lower case, and values.
type Headers = tuple[tuple[str, str], ...]


# As many operations as one process calls, functions of Lambda by their names included.
MOST_SHARED = 64


class Shared(NamedTuple):
    """What requests of one operation have in common that one caller signs within one second."""

    second: int
    credentials: Credentials
    canonical: bytes  # What is hashed, up to the hash of the body.
    text: bytes  # What is signed, up to that hash.
    head: str  # The head as it travels, up to the signature.
    key: hmac.HMAC  # Of that day, ready to sign: a copy costs half of what hmac.digest() does.


class Signer:
    """Signs requests to one service in one region; keeps the key of a day for as long as it holds."""

    def __init__(self, service: str, region: str) -> None:
        self._service, self._region = service, region
        # By what is called where. Entries, and the key with what it was derived from, are written and read
        # whole, so that threads need no lock.
        self._shared: dict[tuple[str, str, Headers], Shared] = {}
        self._kept: tuple[str, str, hmac.HMAC] | None = None

    def head(
        self, path: str, host: str, headers: Headers, body: bytes, credentials: Credentials, now: float
    ) -> str:
        """
        Return the head of a POST, up to the end of the header that signs it; `now` is Unix time.

        `path` is as it stands in the request, without a query.
        """
        second, operation = int(now), (path, host, headers)
        shared = self._shared.get(operation)
        if shared is None or shared.second != second or shared.credentials != credentials:
            if len(self._shared) >= MOST_SHARED:
                self._shared.clear()
            shared = self._shared[operation] = self._share(path, host, headers, credentials, second)
        canonical = shared.canonical + sha256(body).hexdigest().encode()
        signature = shared.key.copy()
        signature.update(shared.text + sha256(canonical).hexdigest().encode())
        return shared.head + signature.hexdigest()

    def _share(self, path: str, host: str, headers: Headers, credentials: Credentials, second: int) -> Shared:
        instant = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        scope = f"{instant[:8]}/{self._region}/{self._service}/aws4_request"
        signed = {"host": host, **dict(headers), "x-amz-date": instant}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        names = sorted(signed)
        listed = ";".join(names)
        lines = "".join([f"{name}:{signed[name]}\n" for name in names])
        travels = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        # A path is encoded once more than it travels (every service but S3).
        canonical = f"POST\n{quote(path, safe='/~')}\n\n{lines}\n{listed}\n"
        return Shared(
            second=second,
            credentials=credentials,
            canonical=canonical.encode(),
            text=f"{ALGORITHM}\n{instant}\n{scope}\n".encode(),
            head=f"POST {path} HTTP/1.1\r\n{travels}authorization: {ALGORITHM} "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={listed}, Signature=",
            key=self._key(credentials.secret_key, instant[:8]),
        )

    def _key(self, secret: str, day: str) -> hmac.HMAC:
        """Return the key of a day, derived once."""
        kept = self._kept
        if kept is None or kept[:2] != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            kept = self._kept = (secret, day, hmac.new(key, digestmod="sha256"))
        return kept[2]
