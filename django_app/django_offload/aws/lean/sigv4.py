"""AWS Signature Version 4: the header that proves who sent a request, and that nobody has changed it."""

import hmac
import time
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from .credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
# One process calls fewer operations, even if each function of Lambda counts as one.
MOST_TEMPLATES = 64

# Names in lower case, and values.
type Headers = tuple[tuple[str, str], ...]


class RequestTemplate(NamedTuple):
    """What all requests have in common that call one operation within one second, with the same keys."""

    second: int
    credentials: Credentials
    canonical: bytes  # The canonical request, up to the hash of the body.
    to_sign: bytes  # The string to sign, up to the hash of the canonical request.
    head: str  # The head of the request, up to the signature.
    key: hmac.HMAC  # Of the day. To copy it costs half of hmac.digest().


class Signer:
    """Signs requests to one service in one region. It derives the key of a day once."""

    def __init__(self, service: str, region: str) -> None:
        self._service, self._region = service, region
        # By path, host and headers. Threads need no lock, because they read and replace whole tuples.
        self._templates: dict[tuple[str, str, Headers], RequestTemplate] = {}
        self._day_key: tuple[str, str, hmac.HMAC] | None = None

    def signed_head(
        self, path: str, host: str, headers: Headers, body: bytes, credentials: Credentials, now: float
    ) -> str:
        """
        Return the head of a POST, up to the end of the header that signs it; `now` is Unix time.

        `path` is encoded as in the request, without a query.
        """
        second, operation = int(now), (path, host, headers)
        template = self._templates.get(operation)
        if template is None or template.second != second or template.credentials != credentials:
            if len(self._templates) >= MOST_TEMPLATES:
                self._templates.clear()
            template = self._templates[operation] = self._create_template(
                path, host, headers, credentials, second
            )
        canonical = template.canonical + sha256(body).hexdigest().encode()
        signature = template.key.copy()
        signature.update(template.to_sign + sha256(canonical).hexdigest().encode())
        return template.head + signature.hexdigest()

    def _create_template(
        self, path: str, host: str, headers: Headers, credentials: Credentials, second: int
    ) -> RequestTemplate:
        instant = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        scope = f"{instant[:8]}/{self._region}/{self._service}/aws4_request"
        signed = {"host": host, **dict(headers), "x-amz-date": instant}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        names = sorted(signed)
        signed_names = ";".join(names)
        canonical_headers = "".join([f"{name}:{signed[name]}\n" for name in names])
        header_lines = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        # Every service but S3 signs the path encoded once more than the request contains it.
        canonical = f"POST\n{quote(path, safe='/~')}\n\n{canonical_headers}\n{signed_names}\n"
        return RequestTemplate(
            second=second,
            credentials=credentials,
            canonical=canonical.encode(),
            to_sign=f"{ALGORITHM}\n{instant}\n{scope}\n".encode(),
            head=f"POST {path} HTTP/1.1\r\n{header_lines}authorization: {ALGORITHM} "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={signed_names}, Signature=",
            key=self.day_key(credentials.secret_key, instant[:8]),
        )

    def day_key(self, secret: str, day: str) -> hmac.HMAC:
        """Return the key of a day, which is derived once."""
        derived = self._day_key
        if derived is None or derived[:2] != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            derived = self._day_key = (secret, day, hmac.new(key, digestmod="sha256"))
        return derived[2]
