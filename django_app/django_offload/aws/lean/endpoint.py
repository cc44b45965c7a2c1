"""Where a service is: named by the environment, or by AWS's rule for its region; else botocore is asked."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ...exceptions import NotConfigured
from .connection import Address

# The regions of the partition "aws", whose endpoints follow one rule; others are botocore's to know.
USUAL_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+")
TRUE = {"true", "1"}
# How a variable names a service where that is not its own name.
VARIABLE = {"secretsmanager": "SECRETS_MANAGER"}
SWITCHES = (
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
# What a line of ~/.aws/config may say of endpoints.
CONFIGURED = re.compile(
    r"^\s*(endpoint_url|use_fips_endpoint|use_dualstack_endpoint|ignore_configured_endpoint_urls|services"
    r"|account_id_endpoint_mode)\s*=",
    re.M,
)
CONFIGURED_BUNDLE = re.compile(r"^\s*ca_bundle\s*=", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a service is, and the region to sign for."""

    address: Address
    region: str


def endpoint_of(service: str) -> Endpoint | None:
    """
    Return where a service is; None where only botocore knows how to reach it: through a proxy, below a path,
    or trusting what a profile names. Raise NotConfigured without a region.
    """
    environment, config = os.environ, _config(os.environ)
    region = environment.get("AWS_DEFAULT_REGION", "")
    named = f"AWS_ENDPOINT_URL_{VARIABLE.get(service, service.upper())}"
    url = environment.get(named) or environment.get("AWS_ENDPOINT_URL")
    if not region or _special(environment, config) or not (url or USUAL_REGION.fullmatch(region)):
        url, region = _asked_of_botocore(service)
    elif not url:
        url = f"https://{service}.{region}.amazonaws.com"
    address = address_of(url)
    if address is None or CONFIGURED_BUNDLE.search(config) or _proxied(url, address):
        return None
    return Endpoint(address=address, region=region)


def address_of(url: str) -> Address | None:
    """Return the address that a URL names, None if it names more than that."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    if parts.path not in ("", "/") or parts.query:
        return None
    tls = parts.scheme == "https"
    return Address(url=url, host=parts.hostname, port=parts.port or (443 if tls else 80), tls=tls)


def _special(environment: Mapping[str, str], config: str) -> bool:
    """Tell whether anything but a region and a URL decides."""
    return (
        any(environment.get(name, "").lower() in TRUE for name in SWITCHES)
        or environment.get("AWS_ACCOUNT_ID_ENDPOINT_MODE", "").lower() == "required"
        or CONFIGURED.search(config) is not None
    )


def _config(environment: Mapping[str, str]) -> str:
    """Return the text of the shared configuration file, empty where there is none."""
    path = Path(environment.get("AWS_CONFIG_FILE") or "~/.aws/config")
    try:
        return path.expanduser().read_text("utf-8", "replace")
    except (OSError, RuntimeError):  # Not there, or there is no home to look in.
        return ""


def _asked_of_botocore(service: str) -> tuple[str, str]:
    import boto3
    from botocore.exceptions import NoRegionError

    try:
        client = boto3.session.Session().client(service)
    except NoRegionError as exc:
        raise NotConfigured("no region is named") from exc
    return client.meta.endpoint_url, client.meta.region_name


def _proxied(url: str, address: Address) -> bool:
    """Tell whether botocore would go through a proxy."""
    scheme = urlsplit(url).scheme
    names = {f"{kind}_proxy" for kind in (scheme, "all")}
    # Elsewhere than on Linux and its like, the system too has a say.
    if sys.platform not in ("darwin", "win32") and not any(name.lower() in names for name in os.environ):
        return False
    from urllib.request import getproxies, proxy_bypass

    found = getproxies()
    return bool(found.get(scheme) or found.get("all")) and not proxy_bypass(address.named)
