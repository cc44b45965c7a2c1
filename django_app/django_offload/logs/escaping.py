"""Texts from outside, made safe for where they are shown: an output, a terminal, a line, lines below one."""

INDENT = "    "
# Control characters move the cursor, change a terminal's title, and end lines.
ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
# Line separators and marks of direction change how a line reads.
TURNS = (0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
ESCAPES |= {code: f"\\u{code:04x}" for code in TURNS}


def printable(text: str) -> str:
    """Return a text with lone surrogates escaped, because no output can encode them."""
    return text.encode(errors="backslashreplace").decode()


def escape_controls(text: str) -> str:
    """
    Return a text with control characters, lone surrogates and turns of direction as escapes.

    Tabs and line breaks stay.
    """
    if text.isprintable():
        return text
    return printable(text.translate(ESCAPES))


def one_line(text: str) -> str:
    """Return a text with everything escaped that escape_controls() escapes, and its line breaks too."""
    return text if text.isprintable() else escape_controls(text).replace("\n", "\\n")


def indented(text: str) -> str:
    """Return a text whose lines begin with spaces, so that none of them looks like a record."""
    return INDENT + escape_controls(text.rstrip("\n")).replace("\n", f"\n{INDENT}")
