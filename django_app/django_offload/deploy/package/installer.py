"""Run pip for the functions' Python and processor, whatever machine and configuration it runs on."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import PackageFailed
from . import bytecode

# Options of pip's configuration that say where packages come from. All others, such as user, prefix and
# no-deps, are about an environment on this machine, or would leave out what the site needs.
_KEPT_OPTIONS = (
    *("build-constraint", "cache-dir", "cert", "client-cert", "config-settings", "constraint"),
    *("default-timeout", "extra-index-url", "find-links", "index-url", "keyring-provider", "no-cache-dir"),
    *("no-build-isolation", "no-index", "pre", "prefer-binary", "proxy", "resume-retries", "retries"),
    *("timeout", "trusted-host", "uploaded-prior-to", "use-deprecated", "use-feature"),
)
# pip evaluates markers for the machine and the Python that run it. So it runs on the functions' Python, with
# the facts of the functions' machine, and with some options of its configuration alone.
_PROGRAM = """
import json, runpy, sys
from importlib.machinery import PathFinder

class ThisPip:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return PathFinder.find_spec(name, [folder]) if name == "pip" else None

folder, facts, kept = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
sys.meta_path.insert(0, ThisPip())
from pip._vendor.packaging import markers

here = markers.default_environment()
for name in ("default_environment", "_cached_default_environment"):
    if hasattr(markers, name):
        setattr(markers, name, lambda: {**here, **facts})
for name, value in facts.items():
    if not markers.Marker(f"{name} == '{value}'").evaluate():
        sys.exit(f"ERROR: This version of pip can't evaluate markers for another machine ({name}).")
from pip._internal.cli.parser import ConfigOptionParser

configured = ConfigOptionParser._get_ordered_configuration_items
ConfigOptionParser._get_ordered_configuration_items = lambda parser: (
    (name, value) for name, value in configured(parser) if name in kept
)
sys.argv[:4] = ["pip"]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def run_pip(
    arguments: Sequence[str], *, python: str, machine: str, words: Callable[[str], str] = str
) -> list[str]:
    """
    Run pip on Python `python`, with the markers of Linux on `machine`. Return its warnings.

    It is the pip of this environment. `words` is applied to what it prints. Raise PackageFailed, with pip's
    message, if it fails or is missing.
    """
    spec = importlib.util.find_spec("pip")
    if spec is None or spec.origin is None:
        raise PackageFailed(
            f"The environment of {sys.executable} has no pip.",
            "Install it with uv pip install pip, or python -m ensurepip.",
        )
    facts = {
        "platform_machine": machine,
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    folder = str(Path(spec.origin).parent.parent)
    process = subprocess.run(
        [
            bytecode.interpreter(python),
            "-I",
            "-c",
            _PROGRAM,
            folder,
            json.dumps(facts),
            json.dumps(_KEPT_OPTIONS),
            *arguments,
        ],
        # A build backend that asks git for the version must not write into the repository.
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = words(process.stderr).splitlines()
    if process.returncode != 0:
        text = " ".join(error_lines(lines) or lines[-1:]) or f"pip ended with {process.returncode}"
        raise PackageFailed(
            f"{text.rstrip('.')}.",
            "Correct the requirements. Each needs a wheel for Linux, or one without compiled code.",
        )
    return [line.removeprefix("WARNING: ") for line in lines if line.startswith("WARNING: ")]


def error_lines(lines: Sequence[str]) -> list[str]:
    """Return pip's errors, each with the lines that it continues in, which are indented."""
    errors: list[str] = []
    continues = False
    for line in lines:
        continues = line.startswith("ERROR") or (continues and line.startswith(" "))
        if continues:
            errors.append(line.strip())
    return errors
