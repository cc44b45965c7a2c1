"""Whom TLS trusts: the roots of AWS's certificates; for other hosts, whatever the system trusts."""

import os
import ssl
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ...exceptions import NotConfigured

# Amazon Trust Services: AWS's endpoints present chains that end in one of these.
ROOTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
# The variables that botocore reads, in its order.
BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


def given_bundle() -> str | None:
    """Return the bundle of certificates that the environment names."""
    return next(filter(None, map(os.environ.get, BUNDLES)), None)


@lru_cache(maxsize=4)
def narrow(bundle: str | None) -> ssl.SSLContext:
    """
    Return a context that trusts the bundle alone; without one, the roots of AWS, cheap to load.

    Raise NotConfigured if the bundle cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if bundle is not None:
        try:
            context.load_verify_locations(cafile=bundle)
        except OSError as exc:
            raise NotConfigured(
                f"the certificates of {bundle} cannot be read ({exc.strerror or exc})",
                f"Correct {' or '.join(BUNDLES)}, whichever names this file.",
            ) from exc
    elif roots := amazon_roots():
        context.load_verify_locations(cadata="\n".join(roots))
    else:
        return wide()
    return context


@lru_cache(maxsize=1)
def wide() -> ssl.SSLContext:
    """Return a context that trusts what the system trusts, and what botocore does."""
    context = ssl.create_default_context()
    if (path := _botocore_bundle()) is not None:
        context.load_verify_locations(cafile=path)
    return context


def amazon_roots() -> list[str]:
    """
    Return the roots of AWS, as PEM, out of the certificates that botocore brings along.

    They are read, not shipped, so that they are renewed with botocore. Empty if it has not all of them.
    """
    path = _botocore_bundle()
    if path is None:
        return []
    text, found = path.read_text("utf-8"), []
    for label in ROOTS:
        start = text.find(f'# Label: "{label}"')
        begin = text.find("-----BEGIN CERTIFICATE-----", start)
        end = text.find("-----END CERTIFICATE-----", begin)
        if min(start, begin, end) < 0:
            return []
        found.append(text[begin : end + len("-----END CERTIFICATE-----")])
    return found


def _botocore_bundle() -> Path | None:
    """Return the certificates that botocore ships; it is found, not imported."""
    spec = find_spec("botocore")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, "cacert.pem")
        if path.is_file():
            return path
    return None
