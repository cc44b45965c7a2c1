"""The certificates that TLS trusts: AWS's roots first, and for other hosts those that the system trusts."""

import os
import ssl
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ...exceptions import NotConfigured

# Amazon Trust Services. The certificate chains of AWS's endpoints end in one of these roots.
ROOTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
# The variables that botocore reads, in its order.
BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
FIRST_LINE, LAST_LINE = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def configured_bundle() -> str | None:
    """Return the path of the certificates that the environment names, or None."""
    return next(filter(None, map(os.environ.get, BUNDLES)), None)


@lru_cache(maxsize=4)
def aws_context(bundle: str | None) -> ssl.SSLContext:
    """
    Return a context that trusts only the bundle or, without one, AWS's roots, which load quickly.

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
                f"Correct the environment variable that names this file ({' or '.join(BUNDLES)}).",
            ) from exc
    elif roots := amazon_roots():
        context.load_verify_locations(cadata="\n".join(roots))
    else:
        return system_context()
    return context


@lru_cache(maxsize=1)
def system_context() -> ssl.SSLContext:
    """Return a context that trusts the certificates of the system and of botocore."""
    context = ssl.create_default_context()
    if (path := botocore_bundle()) is not None:
        context.load_verify_locations(cafile=path)
    return context


def amazon_roots() -> list[str]:
    """
    Return AWS's roots as PEM, from botocore's certificates; empty if any of them is missing there.

    They come from botocore, so that an upgrade of botocore renews them too.
    """
    path = botocore_bundle()
    if path is None:
        return []
    text, roots = path.read_text("utf-8"), []
    for label in ROOTS:
        start = text.find(f'# Label: "{label}"')
        begin = text.find(FIRST_LINE, start)
        end = text.find(LAST_LINE, begin)
        if min(start, begin, end) < 0:
            return []
        roots.append(text[begin : end + len(LAST_LINE)])
    return roots


def botocore_bundle() -> Path | None:
    """Return the path of botocore's certificates, without importing botocore; None if there are none."""
    spec = find_spec("botocore")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, "cacert.pem")
        if path.is_file():
            return path
    return None
