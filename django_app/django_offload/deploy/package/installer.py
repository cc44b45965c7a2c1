"""Run pip for the functions' Python and processor, whatever machine and configuration it runs on."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import PackageFailed
from . import bytecode

# Options of pip that say where packages come from. All others, such as PIP_USER and PIP_PREFIX, are about an
# environment on this machine.
_KEPT_OPTIONS = {
    *("BUILD_CONSTRAINT", "CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "CONFIG_SETTINGS", "CONSTRAINT"),
    *("DEFAULT_TIMEOUT", "EXTRA_INDEX_URL", "FIND_LINKS", "INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR"),
    *(
        "NO_BUILD_ISOLATION",
        "NO_INDEX",
        "PRE",
        "PREFER_BINARY",
        "PROXY",
        "RESUME_RETRIES",
        "RETRIES",
        "TIMEOUT",
    ),
    *("TRUSTED_HOST", "UPLOADED_PRIOR_TO", "USE_DEPRECATED", "USE_FEATURE"),
}
# Override a pip.conf that has such options.
_OPTIONS = ("--no-user", "--prefix=", "--root=/")
_VARIABLES = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_DRY_RUN": "0"}
# pip evaluates markers for the machine and the Python that run it. So it runs on the functions' Python, with
# the facts of the functions' machine.
_PROGRAM = """
import json, runpy, sys
from importlib.machinery import PathFinder

class ThisPip:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return PathFinder.find_spec(name, [folder]) if name == "pip" else None

folder, facts = sys.argv[1], json.loads(sys.argv[2])
sys.meta_path.insert(0, ThisPip())
from pip._vendor.packaging import markers

here = markers.default_environment()
for name in ("default_environment", "_cached_default_environment"):
    if hasattr(markers, name):
        setattr(markers, name, lambda: {**here, **facts})
for name, value in facts.items():
    if not markers.Marker(f"{name} == '{value}'").evaluate():
        sys.exit(f"ERROR: This version of pip can't evaluate markers for another machine ({name}).")
sys.argv[:3] = ["pip"]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def run_pip(arguments: Sequence[str], *, python: str, machine: str) -> None:
    """
    Run pip on Python `python`, with the markers of Linux on `machine`.

    It is the pip of this environment. Raise PackageFailed, with pip's message, if it fails or is missing.
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
            *arguments,
            *_OPTIONS,
        ],
        env=pip_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        lines = process.stderr.splitlines()
        errors = [line for line in lines if line.startswith("ERROR")]
        raise PackageFailed(
            " ".join(errors or lines[-1:]) or f"pip ended with {process.returncode}.",
            "Correct the requirements. Each needs a wheel for Linux, or one without compiled code.",
        )


def pip_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the options of pip that would change what is installed or where."""
    return {
        **{
            name: value
            for name, value in environ.items()
            if not name.startswith("PIP_") or name.removeprefix("PIP_") in _KEPT_OPTIONS
        },
        **_VARIABLES,
    }
