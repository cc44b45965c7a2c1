"""Endpoints of AWS that would send messages over a network without encryption."""

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from urllib.parse import urlsplit

from .loopback import LOOPBACK_HOSTS

# AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS, and what other libraries read, such as AWS_S3_ENDPOINT_URL.
VARIABLE = re.compile(r"AWS_(?:[A-Z0-9_]+_)?ENDPOINT(?:_URL(?:_[A-Z0-9_]+)?)?")
# Its address is one that only the machine itself can reach.
OF_THE_MACHINE = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
# Switches with a similar name.
SWITCH = re.compile(r"AWS_USE_(?:FIPS|DUALSTACK)_ENDPOINT")


def is_cleartext(url: str) -> bool:
    """Return True if a URL leads over a network without TLS. Raise ValueError if it is no URL."""
    parts = urlsplit(url.strip())
    return parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS


def named_endpoints(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that names an endpoint of AWS, with its value."""
    for name, value in sorted(variables.items()):
        if VARIABLE.fullmatch(name) and name != OF_THE_MACHINE and not SWITCH.fullmatch(name):
            yield name, value


def configured_endpoints(config: str, profile: str) -> Iterator[tuple[str, str]]:
    """Yield what a profile of AWS's configuration file names as endpoints, of all services or of one."""
    parser = ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        parser.read_string(config)
    except Error:
        return  # AWS's clients say what is wrong with it.
    section = profile if profile == "default" else f"profile {profile}"
    values = dict(parser[section]) if parser.has_section(section) else {}
    if values.get("endpoint_url"):
        yield f"endpoint_url of [{section}]", values["endpoint_url"]
    services = f"services {values.get('services', '').strip()}"
    for service, lines in parser[services].items() if parser.has_section(services) else ():
        for line in lines.splitlines():
            name, _, url = line.partition("=")
            if name.strip() == "endpoint_url":
                yield f"endpoint_url of {service} in [{services}]", url.strip()


def shown_url(url: str) -> str:
    """Return a URL without the user and password that it may contain, whatever characters they have."""
    return re.sub(r"(?:(?<=//)|\A(?!.*//)).*@", "…@", url, count=1, flags=re.DOTALL)
