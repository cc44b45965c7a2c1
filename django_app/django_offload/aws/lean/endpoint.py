"""The endpoint of a service: from the environment, or by AWS's rule for the region, or from botocore."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ...exceptions import NotConfigured
from .connection import Address
from .credentials import variables

# The regions of the partition "aws", whose endpoints follow one rule. Only botocore knows the others.
USUAL_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+")
TRUE = {"true", "1"}
# How a variable names a service if not by the service's own name.
VARIABLE = {"secretsmanager": "SECRETS_MANAGER"}
ENDPOINT, IGNORE_ENDPOINTS = "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
SWITCHES = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", IGNORE_ENDPOINTS)
# The settings in ~/.aws/config that change an endpoint.
CONFIGURED = re.compile(
    r"^\s*(endpoint_url|use_fips_endpoint|use_dualstack_endpoint|ignore_configured_endpoint_urls|services"
    r"|account_id_endpoint_mode)\s*=",
    re.M,
)
CONFIGURED_BUNDLE = re.compile(r"^\s*ca_bundle\s*=", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address of a service, and the region to sign for."""

    address: Address
    region: str


def endpoint_of(service: str) -> Endpoint | None:
    """
    Return the endpoint of a service. Raise NotConfigured if no region is set.

    Return None if only botocore can reach it: through a proxy, below a path, or with certificates that a
    profile names.
    """
    environment = variables()
    config = read_shared_config(environment)
    region = environment.get("AWS_DEFAULT_REGION", "")
    url = environment.get(endpoint_variable(service)) or environment.get(ENDPOINT)
    has_special_settings = (
        any(environment.get(name, "").lower() in TRUE for name in SWITCHES)
        or environment.get("AWS_ACCOUNT_ID_ENDPOINT_MODE", "").lower() == "required"
        or CONFIGURED.search(config) is not None
    )
    if not region or has_special_settings or not (url or USUAL_REGION.fullmatch(region)):
        url, region = resolve_by_botocore(service)
    elif not url:
        url = f"https://{service}.{region}.amazonaws.com"
    address = address_of(url)
    if address is None or CONFIGURED_BUNDLE.search(config) or needs_proxy(url, address):
        return None
    return Endpoint(address=address, region=region)


def endpoint_variable(service: str) -> str:
    """Return the environment variable that names the endpoint of one service."""
    return f"AWS_ENDPOINT_URL_{VARIABLE.get(service, service.upper())}"


def names_endpoint_for(variable: str) -> bool:
    """Return True if an environment variable names an endpoint, and another doesn't have that ignored."""
    return bool(os.environ.get(variable)) and os.environ.get(IGNORE_ENDPOINTS, "").lower() not in TRUE


def address_of(url: str) -> Address | None:
    """Return the address that a URL names, or None if the URL also has a user, a path or a query."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    if parts.path not in ("", "/") or parts.query:
        return None
    tls = parts.scheme == "https"
    return Address(url=url, host=parts.hostname, port=parts.port or (443 if tls else 80), tls=tls)


def read_shared_config(environment: Mapping[str, str]) -> str:
    """Return the text of AWS's shared configuration file, or an empty text if there is none."""
    path = Path(environment.get("AWS_CONFIG_FILE") or "~/.aws/config")
    try:
        return path.expanduser().read_text("utf-8", "replace")
    except (OSError, RuntimeError):  # There is no such file, or no home directory.
        return ""


def resolve_by_botocore(service: str) -> tuple[str, str]:
    """Return the URL and the region that botocore would use."""
    import boto3
    from botocore.exceptions import NoRegionError

    try:
        client = boto3.session.Session().client(service)
    except NoRegionError as exc:
        raise NotConfigured("no region is set") from exc
    return client.meta.endpoint_url, client.meta.region_name


def needs_proxy(url: str, address: Address) -> bool:
    """Return True if botocore would use a proxy."""
    scheme = urlsplit(url).scheme
    variables = {f"{kind}_proxy" for kind in (scheme, "all")}
    # On macOS and Windows the system's settings can name a proxy too.
    if sys.platform not in ("darwin", "win32") and not any(name.lower() in variables for name in os.environ):
        return False
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(address.host_header)


def mocked_by_moto() -> bool:
    """
    Return True inside moto's mock_aws, which answers boto3's clients and no others.

    It doesn't answer them if a variable or AWS's configuration file names another endpoint.
    """
    stubber = getattr(sys.modules.get("moto.core.models"), "botocore_stubber", None)
    if not getattr(stubber, "enabled", False):
        return False
    named = any(map(names_endpoint_for, [name for name in os.environ if name.startswith(ENDPOINT)]))
    return not named and CONFIGURED.search(read_shared_config(os.environ)) is None
