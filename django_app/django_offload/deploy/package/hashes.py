"""See that what is installed is what was locked, or say what nothing vouches for."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import PackageFailed
from .requirements import name_of

# pip's options, in a requirements file and in its configuration, that say where packages come from.
_OPTION = re.compile(
    r"(?P<name>-i|-f|--(?:extra-)?index-url|--find-links|--trusted-host)[\s=]+(?P<value>\S+)"
)
_CONFIGURED = re.compile(r"\S+\.(?P<name>(?:extra-)?index-url|find-links|trusted-host)='(?P<value>.*)'")
_HASHED = re.compile(r"\s--hash[\s=]|#(?:[^\s;]*&)?sha(?:256|384|512)=", re.IGNORECASE)
_MOST_SHOWN = 5
_COMPILE = "uv pip compile --universal --generate-hashes --output-file lambdas/requirements.lock"


def is_locked(line: str) -> bool:
    """Return True if a requirement has a hash."""
    return _HASHED.search(line) is not None


def are_locked(lines: Iterable[str], file: Path) -> bool:
    """
    Return True if every requirement has a hash, False if none has.

    Raise PackageFailed if only some have, because pip would install nothing.
    """
    requirements = [line for line in lines if not line.startswith("-")]
    lacking = [line for line in requirements if not is_locked(line)]
    if lacking and len(lacking) < len(requirements):
        names = [name_of(line) or line for line in lacking]
        raise PackageFailed(
            f"{file.name} has hashes, but none for {_first_few(names)}.",
            "Lock the file again, so that each requirement has one. Of a project on this disk and of a "
            "repository, build a wheel, and name that with its hash.",
        )
    return bool(requirements) and not lacking


def refuse_unlocked(names: Sequence[str], file: Path, requirement: str) -> None:
    """Raise PackageFailed if there are `names` that a file with hashes lacks, though the site needs them."""
    if names:
        raise PackageFailed(
            f"{file.name} has hashes, but lacks {_first_few(names)}, which the web function needs.",
            f'Add "{requirement}" to the file that it is made from, and lock it again.',
        )


def warnings(folder: Path, lines: Iterable[str], file: Path) -> Iterator[str]:
    """
    Yield what nothing vouches for, after requirements without hashes were installed into `folder`.

    That is every package that came from an index or an address, and each place where others may put one.
    """
    names = sorted(_downloaded(folder))
    if not names:
        return
    count = f"{len(names)} package{'' if len(names) == 1 else 's'}"
    source = file.with_suffix(".in").name if file.suffix == ".lock" else file.name
    yield (
        f"installed without hashes: {count} ({_first_few(names)}). "
        f"Nothing shows that they are what you tested. Lock them: {_COMPILE} {source}"
    )
    options = list(_options(lines))
    further = [host for name, host, _ in options if name in {"extra-index-url", "find-links"}]
    if further:
        yield (
            f"pip takes each package from any index that has a newer version of it, also from "
            f"{_first_few(further)}. Somebody else's package may have the name of yours: lock with hashes."
        )
    open_to_all = [host for name, host, secure in options if name == "trusted-host" or not secure]
    if open_to_all:
        yield (
            f"pip doesn't check that it speaks to {_first_few(list(dict.fromkeys(open_to_all)))}. "
            "Use https, or lock with hashes."
        )


def _downloaded(folder: Path) -> Iterator[str]:
    """Yield the name of each distribution in `folder` that doesn't come from this disk."""
    for distribution in metadata.distributions(path=[str(folder)]):
        source = distribution.read_text("direct_url.json")
        if source is None or not json.loads(source)["url"].startswith("file:"):
            yield distribution.name


def _options(lines: Iterable[str]) -> Iterator[tuple[str, str, bool]]:
    """
    Yield each option that says where packages come from: its name, the host, and if it is checked.

    No address is shown as a whole, because it may have a password.
    """
    found = [match for line in lines if (match := _OPTION.match(line))]
    found += [match for line in _configuration() if (match := _CONFIGURED.fullmatch(line))]
    for match in found:
        name = {"-i": "index-url", "-f": "find-links"}.get(match["name"], match["name"].removeprefix("--"))
        for value in re.split(r"\s+|\\n", match["value"].strip("\"'")):
            if name == "trusted-host":
                yield name, value, False
            elif value and (name != "find-links" or "://" in value):  # The other links are on this disk.
                address = urlsplit(value)
                host = address.hostname or value.rpartition("@")[2]
                yield name, host, address.scheme != "http" or host in {"localhost", "127.0.0.1", "::1"}


def _configuration() -> list[str]:
    """Return the lines that pip prints of its configuration, files and environment variables."""
    if importlib.util.find_spec("pip") is None:
        return []
    process = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return process.stdout.splitlines()


def _first_few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_MOST_SHOWN])}{' …' if names[_MOST_SHOWN:] else ''}"
