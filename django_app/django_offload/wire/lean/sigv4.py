"""AWS Signature Version 4: the header that says who sends a request, and that nobody changed it."""

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from .credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"


@lru_cache(maxsize=4)
def _instant(now: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


@lru_cache(maxsize=64)
def _encoded(path: str) -> str:
    return quote(path, safe="/~")


class Signer:
    """Signs requests to one service in one region; keeps the key of a day for as long as it holds."""

    def __init__(self, service: str, region: str) -> None:
        self._service, self._region = service, region
        # The key and what it was derived from: written and read whole, so that threads need no lock.
        self._kept: tuple[str, str, bytes] = ("", "", b"")

    def sign(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        credentials: Credentials,
        now: float,
    ) -> dict[str, str]:
        """
        Return the headers, whose names are lower case, with those of the signature; `now` is Unix time.

        `path` is as it stands in the request, without a query.
        """
        instant = _instant(int(now))
        signed = {**headers, "x-amz-date": instant}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        names = sorted(signed)
        listed = ";".join(names)
        lines = "".join([f"{name}:{signed[name]}\n" for name in names])
        # A path is encoded once more than it travels (every service but S3).
        canonical = f"{method}\n{_encoded(path)}\n\n{lines}\n{listed}\n{sha256(body).hexdigest()}"
        scope = f"{instant[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{instant}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(credentials.secret_key, instant[:8]), text.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={signature}"
        )
        return signed

    def _key(self, secret: str, day: str) -> bytes:
        kept_secret, kept_day, key = self._kept
        if kept_day == day and kept_secret == secret:
            return key
        key = f"AWS4{secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._kept = (secret, day, key)
        return key
