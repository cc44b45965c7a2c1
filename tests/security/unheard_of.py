"""A module that nobody imports: a text that names it must not load it."""

from tests.security.tripwire import FIRED

FIRED.append("imported unheard_of")


class Error(Exception):
    """An exception of a module that isn't loaded."""
