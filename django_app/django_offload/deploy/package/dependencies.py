"""Install the requirements for Lambda's processor and Python, without the files that it never reads."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...stack.parameters import ARCHITECTURES
from ..errors import PackageFailed
from . import bytecode
from .sources import matches_any

# Lambda's runtime has these packages, in versions that AWS keeps up to date:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME_PACKAGES = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)
TOOLS = frozenset({"pip", "setuptools", "wheel"})
# What the web function needs.
WEB = ("apig-wsgi>=2.20",)
# Zappa's own handler needs two packages. Its command line, which is not packaged, needs twenty more.
ZAPPA = ("zappa>=0.63,<0.64",)
ZAPPA_REQUIREMENTS = ("werkzeug>=3", "durationpy>=0.9")
REQUIREMENTS_FILES = ("lambdas/requirements.lock", "lambdas/requirements.txt", "requirements.txt")

# The runtimes of Python 3.12 and newer use Amazon Linux 2023, which has glibc 2.34.
_GLIBC = ("2_34", "2_28", "2_27", "2_24", "2_17", "2_12", "2_5")
_MACHINES = dict(zip(ARCHITECTURES, ("x86_64", "aarch64"), strict=True))

_UNUSED_ENDINGS = (".a", ".c", ".cpp", ".h", ".pc", ".po", ".pot", ".pxd", ".pyi", ".pyx")
_INSTALLER_FILES = {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "top_level.txt"}
_ZAPPA_COMMAND_LINE = ("cli.py", "core.py", "letsencrypt.py")


def find_requirements(root: Path) -> Path:
    """Return the requirements file of the functions. Raise PackageFailed if the project has none."""
    for name in REQUIREMENTS_FILES:
        if (root / name).is_file():
            return root / name
    raise PackageFailed(
        f"{root} has none of {', '.join(REQUIREMENTS_FILES)}.",
        "List what the site needs in lambdas/requirements.txt, or name a file with --requirements.",
    )


def install(
    requirements: Path,
    folder: Path,
    *,
    architecture: str,
    python: str,
    with_boto3: bool,
    with_zappa: bool,
    exclude: Sequence[str] = (),
) -> None:
    """
    Install `requirements` into `folder`, and what the web function's handler needs, unless they include it.

    That is apig-wsgi, or Zappa if the stage keeps its handler.

    pip installs a file with hashes exactly, without further dependencies. Delete files whose base names
    match one of the `exclude` patterns, as Zappa does. Raise PackageFailed, with pip's message, if pip fails.
    """
    machine = _MACHINES[architecture]
    platforms = [f"manylinux_{version}_{machine}" for version in _GLIBC] + [f"manylinux2014_{machine}"]
    # pip runs on the functions' Python, because it evaluates markers for the Python that runs it.
    pip = (sys.executable, "-m", "pip", "--python", bytecode.interpreter(python), "install")
    command = [
        *(*pip, "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-compile", "--target", str(folder), "--upgrade"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", python),
        *(word for platform in platforms for word in ("--platform", platform)),
    ]
    exact = "--hash=sha256:" in requirements.read_text()
    _run_pip([*command, *(["--no-deps"] if exact else []), "-r", str(requirements)])
    if not with_zappa and not list(folder.glob("apig_wsgi-*.dist-info")):
        _run_pip([*command, "--no-deps", *WEB])
    if with_zappa and not list(folder.glob("zappa-*.dist-info")):
        _run_pip([*command, "--no-deps", *ZAPPA])
        _run_pip([*command, *ZAPPA_REQUIREMENTS])
    remove_distributions(folder, TOOLS if with_boto3 else TOOLS | RUNTIME_PACKAGES)
    remove_unused_files(folder, exclude)


def remove_distributions(folder: Path, names: Iterable[str]) -> None:
    """Delete these distributions, with every file that their RECORD lists."""
    unwanted = set(names)
    for info in folder.glob("*.dist-info"):
        if info.name.split("-")[0].lower().replace("_", "-") not in unwanted:
            continue
        for line in (info / "RECORD").read_text().splitlines():
            path = (folder / line.split(",")[0]).resolve()
            if path.is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
        shutil.rmtree(info, ignore_errors=True)


def remove_unused_files(folder: Path, exclude: Sequence[str]) -> None:
    """Delete tests, sources of compiled modules, pip's own files, and whatever `exclude` matches."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for name in _ZAPPA_COMMAND_LINE:
        (folder / "zappa" / name).unlink(missing_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        is_excluded = matches_any(path.name, exclude)
        if path.is_dir():
            if is_excluded or path.name in {"__pycache__", "tests"}:
                shutil.rmtree(path)
            elif not any(path.iterdir()):
                path.rmdir()
            continue
        of_installer = path.parent.name.endswith(".dist-info") and path.name in _INSTALLER_FILES
        if is_excluded or of_installer or path.name.endswith(_UNUSED_ENDINGS):
            path.unlink(missing_ok=True)


def _run_pip(command: Sequence[str]) -> None:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in process.stderr:
        raise PackageFailed(
            f"The environment of {sys.executable} has no pip.",
            "Install it with uv pip install pip, or python -m ensurepip.",
        )
    if process.returncode != 0:
        lines = process.stderr.splitlines()
        errors = [line for line in lines if line.startswith("ERROR")]
        raise PackageFailed(
            " ".join(errors or lines[-1:]) or f"pip ended with {process.returncode}.",
            "Correct the requirements. Each needs a wheel for Linux, or one without compiled code.",
        )
