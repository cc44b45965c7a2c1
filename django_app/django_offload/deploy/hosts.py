"""The hosts under which a stage's site is reached, and whether its settings accept them and no others."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http.request import validate_host

from .zappa_settings import FILE

# Anybody can get a host below these.
_SHARED = ("amazonaws.com", "on.aws", "cloudfront.net", "elb.amazonaws.com", "amplifyapp.com")
# Nobody can register these: https://www.iana.org/assignments/special-use-domain-names
_PRIVATE = ("example", "internal", "invalid", "local", "localhost", "test")


def too_wide(hosts: Sequence[str]) -> list[str]:
    """Return the entries of ALLOWED_HOSTS that accept hosts of anybody."""
    wide = []
    for host in hosts:
        domain = host.strip(".").lower()
        is_shared = domain in _SHARED or ("." not in domain and domain not in _PRIVATE)
        if host == "*" or (host.startswith(".") and is_shared):
            wide.append(host)
    return wide


def site_hosts(settings: Mapping[str, Any], region: str) -> list[str]:
    """
    Return the hosts of a stage of Zappa's settings. One that AWS names begins with a dot.

    Its own domain counts alone, because the other hosts may be there for the domain's sake.
    """
    more = settings.get("function_url_domains")
    domains = [settings.get("domain"), *(more if isinstance(more, list) else [more])]
    own = [domain.removeprefix("*") for domain in domains if isinstance(domain, str) and domain]
    if own:
        return own
    hosts = []
    if settings.get("function_url_enabled"):
        hosts.append(f".lambda-url.{region}.on.aws")
    if settings.get("apigateway_enabled", True):
        hosts.append(f".execute-api.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}")
    return hosts


def accepts(hosts: Sequence[str], host: str) -> bool:
    """Return True if ALLOWED_HOSTS accepts a host, or for one that begins with a dot, any host below it."""
    if not host.startswith("."):
        return validate_host(host.lower(), hosts)
    return validate_host(f"any{host}", hosts) or any(allowed.lower().endswith(host) for allowed in hosts)


def host_problems(
    hosts: Sequence[str],
    where: str,
    stage: str,
    settings: Mapping[str, Any] | None,
    region: str,
    others: Sequence[str] = (),
) -> Iterator[tuple[str, str]]:
    """
    Yield what is wrong with ALLOWED_HOSTS, with its remedy. `where` says whose it is.

    `others` are hosts that the settings add.
    """
    wide = too_wide(hosts)
    if wide:
        yield (
            f"{where} has {', '.join(map(repr, wide))}, so the site accepts requests for hosts of anybody.",
            "Name the hosts of your site, such as 'shop.example'. Links and redirects are made of the host.",
        )
    expected = site_hosts(settings, region) if settings is not None else []
    missing = [host for host in expected if not accepts([*hosts, *others], host)]
    # A site needs each of its domains, but only one of the hosts that AWS names.
    if missing and (len(missing) == len(expected) or not missing[0].startswith(".")):
        named = " or ".join(missing)
        yield (
            f"{where} accepts no host of the stage '{stage}', by {FILE}: {named}.",
            f"Add '{missing[0]}' to it. Until then the site answers every request with 400. If the site has "
            f'a domain of its own, name it in {FILE}: "domain".',
        )


def split_hosts(text: str) -> list[str]:
    """Return the hosts in the text of a variable: JSON, or separated by commas or spaces."""
    if text.lstrip().startswith("["):
        try:
            return [str(host) for host in json.loads(text)]
        except ValueError:
            pass
    return text.replace(",", " ").split()
