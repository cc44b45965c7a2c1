"""The packages that the code needs, for Lambda's processor and Python, without what it never reads."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ...stack.parameters import ARCHITECTURES
from ..errors import PackageFailed
from . import bytecode

# The runtime brings these, in versions that AWS keeps up to date:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
OF_THE_RUNTIME = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)
TOOLS = frozenset({"pip", "setuptools", "wheel"})
# Zappa's handler needs two packages; its command line, which stays at home, twenty more.
WEB = ("zappa>=0.63,<0.64",)
OF_THE_WEB = ("werkzeug>=3", "durationpy>=0.9")
WHERE = ("lambdas/requirements.lock", "lambdas/requirements.txt", "requirements.txt")

# Amazon Linux 2023, below the runtimes of Python 3.12 and newer, has glibc 2.34.
_GLIBC = ("2_34", "2_28", "2_27", "2_24", "2_17", "2_12", "2_5")
_MACHINES = dict(zip(ARCHITECTURES, ("x86_64", "aarch64"), strict=True))

_NOT_ENDING = (".a", ".c", ".cpp", ".h", ".pc", ".po", ".pot", ".pxd", ".pyi", ".pyx")
_OF_THE_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "top_level.txt"}
_OF_ZAPPAS_COMMAND_LINE = ("cli.py", "core.py", "letsencrypt.py")


def find_requirements(root: Path) -> Path:
    """Return the file that says what the functions need. Raise PackageFailed if the project has none."""
    for name in WHERE:
        if (root / name).is_file():
            return root / name
    raise PackageFailed(
        f"{root} has none of {', '.join(WHERE)}.",
        "Write what the site needs into lambdas/requirements.txt, or name a file with --requirements.",
    )


def install(
    requirements: Path,
    folder: Path,
    *,
    architecture: str,
    python: str,
    with_boto3: bool,
    exclude: Sequence[str] = (),
) -> None:
    """
    Fill `folder` with what `requirements` name, and with Zappa's handler where they do not.

    A file with hashes is installed exactly as it is. `exclude` are patterns of base names, as Zappa
    takes them. Raise PackageFailed with pip's own words.
    """
    wheels = _pip(folder, architecture, python)
    exact = "--hash=sha256:" in requirements.read_text()
    _run([*wheels, *(["--no-deps"] if exact else []), "-r", str(requirements)])
    if not list(folder.glob("zappa-*.dist-info")):
        _run([*wheels, "--no-deps", *WEB])
        _run([*wheels, *OF_THE_WEB])
    drop(folder, TOOLS if with_boto3 else TOOLS | OF_THE_RUNTIME)
    _prune(folder, exclude)


def drop(folder: Path, names: Iterable[str]) -> None:
    """Delete distributions with every file that their RECORD lists."""
    unwanted = set(names)
    for info in folder.glob("*.dist-info"):
        if info.name.split("-")[0].lower().replace("_", "-") not in unwanted:
            continue
        for line in (info / "RECORD").read_text().splitlines():
            path = (folder / line.split(",")[0]).resolve()
            if path.is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
        shutil.rmtree(info, ignore_errors=True)


def _prune(folder: Path, exclude: Sequence[str]) -> None:
    """Delete what no import and no template reads: tests, sources of compiled modules, pip's own notes."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for name in _OF_ZAPPAS_COMMAND_LINE:
        (folder / "zappa" / name).unlink(missing_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        unwanted = excluded(path.name, exclude)
        if path.is_dir():
            if unwanted or path.name in {"__pycache__", "tests"}:
                shutil.rmtree(path)
            elif not any(path.iterdir()):
                path.rmdir()
        elif unwanted or path.name.endswith(_NOT_ENDING) or _is_a_note(path):
            path.unlink(missing_ok=True)


def excluded(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a base name fits one of `patterns`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_a_note(path: Path) -> bool:
    return path.parent.name.endswith(".dist-info") and path.name in _OF_THE_INSTALLER


def _pip(folder: Path, architecture: str, python: str) -> list[str]:
    machine = _MACHINES[architecture]
    platforms = [f"manylinux_{version}_{machine}" for version in _GLIBC] + [f"manylinux2014_{machine}"]
    # Run by the Python asked for: what a requirement's markers say is read off the one that runs pip.
    pip = (sys.executable, "-m", "pip", "--python", bytecode.interpreter(python), "install")
    return [
        *(*pip, "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-compile", "--target", str(folder), "--upgrade"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", python),
        *(word for platform in platforms for word in ("--platform", platform)),
    ]


def _run(command: Sequence[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in ran.stderr:
        raise PackageFailed(
            f"The environment of {sys.executable} has no pip.",
            "Put it in: uv pip install pip, or python -m ensurepip.",
        )
    if ran.returncode != 0:
        lines = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
        said = " ".join(lines or ran.stderr.splitlines()[-1:]) or f"pip ended with {ran.returncode}."
        raise PackageFailed(
            said,
            "Correct the requirements: each needs a wheel for Linux, or one without compiled code.",
        )
