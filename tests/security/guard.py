"""Note everything that a process does besides its work: imports, code, programs, files, connections."""

import ast
import builtins
import dis
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.utils import module_loading

# Audit events, by their beginnings: https://docs.python.org/3/library/audit_events.html
FORBIDDEN = (
    *("import", "exec", "compile", "code.__new__", "marshal.load", "pickle.find_class", "ctypes."),
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "subprocess.", "pty."),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate"),
    *("os.putenv", "os.unsetenv", "os.chdir", "shutil.", "tempfile.", "sqlite3.connect", "urllib.Request"),
    *(
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "socket.sendto",
        "webbrowser.",
        "builtins.input",
    ),
)
FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What Python's own C code imports by name, to raise an error about JSON, or to write a date.
BY_PYTHON = {"json.decoder", "time"}
# No answer to a single event takes longer, also on a busy machine.
LONGEST_SECONDS = 10.0


class Guard:
    """What happened while the guard watched."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.watching = False

    def note(self, act: str) -> None:
        if self.watching:
            self.acts.append(act)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Note an audit event that no event or message may cause."""
        if not self.watching:
            return
        if event == "compile" and sys._getframe(1).f_code is ast.parse.__code__:
            return  # A traceback in the log underlines what failed. A syntax tree runs nothing.
        if event.startswith(FORBIDDEN):
            # A look at other arguments could itself run code.
            named = args[0] if args and isinstance(args[0], str | bytes) else ""
            self.acts.append(f"{event} {named!r}"[:200])
        elif event == "open" and not is_source(*args):
            self.acts.append(f"open {args[0]!r}"[:200])


def is_source(path: object, mode: object, flags: object) -> bool:
    """Return True if a file is opened to read a line of code, for a traceback in the log."""
    return (
        isinstance(path, str)
        and path.endswith((".py", ">"))
        and not (isinstance(flags, int) and flags & FOR_WRITING)
    )


_guards: list[Guard] = []


def installed() -> Guard:
    """Return the guard of this process. An audit hook can't be removed, so there is one, which can rest."""
    if not _guards:
        _guards.append(Guard())
        sys.addaudithook(_guards[0].hear)
    return _guards[0]


@contextmanager
def watching() -> Iterator[list[str]]:
    """
    Yield what the process does until the block ends.

    An import statement of a module that is loaded already is no act: the code says it, and no text does.
    """
    guard = installed()
    guard.acts = []
    find, cached, load = importlib._bootstrap._gcd_import, module_loading.cached_import, builtins.__import__

    def gcd_import(name: str, *args: Any) -> Any:
        guard.note(f"import_module {name!r}")
        return find(name, *args)

    def cached_import(path: str, name: str) -> Any:
        guard.note(f"import_string {path!r} {name!r}")
        return cached(path, name)

    def call_import(name: str, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        if name not in BY_PYTHON and dis.opname[caller.f_code.co_code[caller.f_lasti]] != "IMPORT_NAME":
            guard.note(f"__import__ {name!r}")
        return load(name, *args, **kwargs)

    before = (dict(os.environ), list(sys.path), os.getcwd(), set(sys.modules))
    with (
        mock.patch.object(importlib._bootstrap, "_gcd_import", gcd_import),
        mock.patch.object(module_loading, "cached_import", cached_import),
        mock.patch.object(builtins, "__import__", call_import),
    ):
        guard.watching = True
        try:
            yield guard.acts
        finally:
            guard.watching = False
    after = (dict(os.environ), list(sys.path), os.getcwd(), set(sys.modules))
    for name, was, now in zip(("environment", "sys.path", "folder", "modules"), before, after, strict=True):
        if was != now:
            guard.acts.append(f"the {name} changed")


def misdeeds(call: Callable[[], object], *refusals: type[Exception]) -> list[str]:
    """
    Return what a call does besides answering.

    With `refusals`, it must raise one of them; otherwise it must return.
    """
    began = time.process_time()
    with watching() as acts:
        try:
            call()
            ended: BaseException | None = None
        except BaseException as exc:  # noqa: BLE001, whatever it raises is what is looked at
            ended = exc
    found = list(acts)
    if time.process_time() - began > LONGEST_SECONDS:
        found.append("it took too long")
    if refusals and ended is None:
        found.append("it was accepted")
    if ended is not None and not isinstance(ended, refusals):
        found.append(f"it raised {type(ended).__name__}: {ended}"[:300])
    return found


def report(found: Mapping[str, list[str]]) -> str:
    """Return a line for each name with what went wrong, or an empty text."""
    return "\n".join(f"{name!r}: {'; '.join(wrong)}" for name, wrong in found.items() if wrong)
