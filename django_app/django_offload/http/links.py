"""Addresses that a page may link to."""

from html import unescape
from urllib.parse import unquote, urlsplit

from django.utils.http import url_has_allowed_host_and_scheme

from ..logs.escaping import one_line


def is_link(address: str) -> bool:
    """
    Return True if a page may link to the address.

    It is an address of http or https, or one of this site without scheme and host. `javascript:` would run
    in the page, and `//host` and a backslash lead elsewhere than they seem to. Browsers drop some of the
    control characters and spaces before they read the scheme, so those are refused.
    """
    if "\t" in address or address != one_line(address.strip()):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:  # Such as a malformed IPv6 host.
        return False
    if parts.netloc and not parts.scheme:
        return False
    # Decoded too, because something between this page and the browser may decode it.
    texts = (address, unquote(unescape(address)))
    return all(url_has_allowed_host_and_scheme(text, {parts.netloc}) for text in texts)
