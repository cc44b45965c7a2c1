"""How messages about settings show a value, whatever it is."""

from reprlib import Repr

_repr = Repr(maxstring=200, maxother=200, maxlong=40)


def shown(value: object) -> str:
    """Return the repr of a value, shortened if it is long or deep. Lone surrogates are escaped."""
    try:
        return printable(_repr.repr(value))
    except ValueError:  # An integer with more digits than Python writes.
        return f"a value of type {type(value).__name__}"


def printable(text: str) -> str:
    """Return a text with each lone surrogate as \\udXXX. JSON can carry one, but no output can encode it."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
