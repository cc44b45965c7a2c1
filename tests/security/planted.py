"""Handlers that obey what they are sent, each in its own way: the guard must see every one of them."""

import importlib
import json
import operator
import os
import pickle
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from django.utils.module_loading import import_string

from tests.security import tasks


def body_of(event: Any) -> Any:
    return json.loads(event["Records"][0]["body"])["name"]


def walk(path: str) -> Any:
    """Return what a path of attributes leads to, beside the tasks of a module that is loaded."""
    value: Any = sys.modules["tests.security"]
    for name in path.removeprefix("tests.security.").split("."):
        value = getattr(value, name)
    return value


def run_walked(event: Any) -> None:
    found = walk(body_of(event))
    if callable(found):
        found()


def write(event: Any) -> None:
    with Path("/tmp", f"django-offload-{len(body_of(event))}").open("w") as file:
        file.write("x")


# By what each does. None of them has an effect outside this process, besides an empty file in /tmp.
PLANTED: dict[str, Callable[[Any], Any]] = {
    "imports a module": lambda event: importlib.import_module(body_of(event).rpartition(".")[0]),
    "imports an attribute": lambda event: import_string(body_of(event)),
    "imports as Python does": lambda event: __import__(body_of(event).rpartition(".")[0]),
    "resolves a name": lambda event: pkgutil.resolve_name(body_of(event)),
    "evaluates": lambda event: eval(f"{body_of(event)!r}"),  # noqa: S307, this is what is tested
    "executes": lambda event: exec("pass"),  # noqa: S102, the same
    "compiles": lambda event: compile("1", "x", "eval"),
    "unpickles": lambda event: pickle.loads(pickle.dumps(tasks.not_a_task)),  # noqa: S301, the same
    "loads any YAML": lambda event: yaml.unsafe_load("!!python/object/apply:tests.security.tripwire.fire []"),
    "walks over attributes": run_walked,
    "runs a program": lambda event: subprocess.run(["true"], check=True),  # noqa: S607, the same
    "runs a shell": lambda event: os.system("true"),  # noqa: S605, S607, the same
    "writes a file": write,
    "reads a file": lambda event: Path("/etc/passwd").read_bytes(),
    "sets a variable": lambda event: os.environ.update(OFFLOAD_OBEYED="1"),
    "extends the path": lambda event: sys.path.append("/tmp"),
    "asks for an address": lambda event: socket.getaddrinfo("127.0.0.1", 9),
    "stores a module": lambda event: operator.setitem(sys.modules, "planted", sys),
    "raises": lambda event: 1 // 0,
}
