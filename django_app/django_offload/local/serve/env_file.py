"""The file that leads other terminals to AWS on this machine."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATH = Path(".offload/env")


@contextmanager
def env_file(environment: Mapping[str, str]) -> Iterator[Path]:
    """Keep .offload/env in the current directory until the block ends: lines that a shell reads with `.`."""
    path = PATH.absolute()
    text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in sorted(environment.items()))
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        yield path
    finally:
        # Another one may have been started here since, and have put its own in place.
        if path.exists() and path.read_text() == text:
            path.unlink()
