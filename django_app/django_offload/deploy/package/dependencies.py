"""Install the requirements for Lambda's processor and Python, without the files that it never reads."""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from ...stack.parameters import ARCHITECTURES
from .. import Announce
from ..errors import PackageFailed
from . import archive, hashes, pruning
from .installer import run_pip
from .local_projects import LocalProjects
from .requirements import read_requirements

# Lambda's runtime has these packages, in versions that AWS keeps up to date:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME_PACKAGES = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)
RUNTIME_MODULES = frozenset((RUNTIME_PACKAGES - {"python-dateutil"}) | {"dateutil"})
TOOLS = frozenset({"pip", "setuptools", "wheel"})
# What the web function needs.
WEB = ("apig-wsgi>=2.20",)
# Zappa's own handler needs two packages. Its command line, which is not packaged, needs twenty more.
ZAPPA = ("zappa>=0.63,<0.64",)
ZAPPA_REQUIREMENTS = ("werkzeug>=3", "durationpy>=0.9")
REQUIREMENTS_FILES = ("lambdas/requirements.lock", "lambdas/requirements.txt", "requirements.txt")

# The runtimes of Python 3.12 and newer use Amazon Linux 2023, which has glibc 2.34.
_GLIBC = ("2_34", "2_28", "2_27", "2_24", "2_17", "2_12", "2_5")
MACHINES = dict(zip(ARCHITECTURES, ("x86_64", "aarch64"), strict=True))


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
    root: Path | None = None,
    store: Path | None = None,
    announce: Announce = lambda text: None,
) -> list[str]:
    """
    Install `requirements` into `folder`, and what the web function's handler needs, unless they include it.

    That is apig-wsgi, or Zappa if the stage keeps its handler. Return the names of requirements that only
    deploy the site, and so aren't installed.

    Relative paths start at the project's folder `root`. Delete files whose base names match one of the
    `exclude` patterns, as Zappa does. Move what most likely isn't used into `store`. Announce pip's warnings,
    and what is installed without hashes. Raise PackageFailed, with pip's message, if pip fails, if something
    was built for another processor, and if the file has hashes, but not of all that the site needs.
    """
    machine = MACHINES[architecture]
    options = pip_options(folder, machine, python)
    with tempfile.TemporaryDirectory(prefix="offload-requirements-") as temporary:
        projects = LocalProjects(Path(temporary) / "projects")
        listed = read_requirements(requirements, root or requirements.parent, projects.source)
        if projects.left_out:
            announce(f"  not in git, so not built in: {', '.join(dict.fromkeys(projects.left_out))}")

        def pip_install(lines: Iterable[str], *more: str) -> None:
            file = Path(temporary) / requirements.name
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            for warning in run_pip(
                [*options, *more, "-r", str(file)], python=python, machine=machine, words=projects.original
            ):
                announce(f"  pip: {warning}")

        locked = hashes.are_locked(listed.lines, requirements)
        pip_install(listed.lines, *(["--require-hashes"] if locked else []))
        folder.mkdir(exist_ok=True)
        if not with_zappa and not list(folder.glob("apig_wsgi-*.dist-info")):
            hashes.refuse_unlocked(["apig-wsgi"] if locked else [], requirements, WEB[0])
            pip_install(WEB, "--no-deps")
        if with_zappa and not list(folder.glob("zappa-*.dist-info")):
            add_zappa(folder, listed.tools.get("zappa"), requirements, pip_install, locked=locked)
        if not locked:
            for warning in hashes.warnings(folder, listed.lines, requirements):
                announce(f"  {warning}")
        check_built_here(folder, architecture)
        check_copied(folder, projects)
        remove_own_project(folder, root and projects.built_from(root))
    pruning.remove_distributions(folder, TOOLS if with_boto3 else TOOLS | RUNTIME_PACKAGES)
    if not with_zappa:
        pruning.remove_distributions(folder, ["zappa"])
    pruning.remove_unused_files(folder, exclude, store or folder.with_name(f"{folder.name}-unused"))
    return [name for name in listed.tools if not (with_zappa and name == "zappa")]


def add_zappa(
    folder: Path, line: str | None, requirements: Path, pip_install: Callable[..., None], *, locked: bool
) -> None:
    """
    Install Zappa without what only its command line needs. `line` is the project's own requirement of it.

    Raise PackageFailed if the project locks its packages with hashes, but not these.
    """
    present = {re.sub(r"[-_.]+", "-", name).lower() for name, _ in installed(folder)}
    needed = {one.partition(">")[0]: one for one in ZAPPA_REQUIREMENTS}
    if locked:
        lacking = [
            *([] if line and hashes.is_locked(line) else ["zappa"]),
            *(name for name in needed if name not in present),
        ]
        hashes.refuse_unlocked(lacking, requirements, ZAPPA[0])
    pip_install([line] if line else ZAPPA, "--no-deps")
    if not locked:
        # These must not replace the versions that the project has chosen.
        constraints = folder.with_name("constraints.txt")
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in installed(folder)))
        pip_install(needed.values(), "-c", str(constraints))
        constraints.unlink()


def pip_options(folder: Path, machine: str, python: str) -> list[str]:
    """Return pip's options to install into `folder` for this processor and version of Python."""
    platforms = [f"manylinux_{version}_{machine}" for version in _GLIBC] + [f"manylinux2014_{machine}"]
    return [
        *("install", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-compile", "--target", str(folder), "--upgrade"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", python),
        *(word for platform in platforms for word in ("--platform", platform)),
    ]


def installed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each distribution in `folder`."""
    for distribution in metadata.distributions(path=[str(folder)]):
        yield distribution.name, distribution.version


def check_built_here(folder: Path, architecture: str) -> None:
    """
    Raise PackageFailed if a distribution that pip built on this machine has code of another machine.

    pip chooses wheels for the functions' processor, but it builds for its own.
    """
    for info in folder.glob("*.dist-info"):
        if not (info / "direct_url.json").exists():
            continue
        for path in pruning.recorded_files(info):
            if archive.LIBRARY_ENDINGS.intersection(path.suffixes) and path.is_file():
                found = archive.machine_of(path.read_bytes()[: archive.HEAD])
                if found != architecture:
                    raise PackageFailed(
                        f"{path.name} of {info.name.split('-')[0]} was built on this machine, for "
                        f"{found or 'another system'}, but the functions are {architecture}.",
                        "Name a wheel that is built for the functions, or package on a machine like theirs.",
                    )


def check_copied(folder: Path, projects: LocalProjects) -> None:
    """Raise PackageFailed if a project on this disk was built from more than what git tracks."""
    for info in folder.glob("*.dist-info"):
        source = info / "direct_url.json"
        direct_url = json.loads(source.read_text()) if source.exists() else {}
        if "dir_info" in direct_url:
            projects.check(info.name.split("-")[0], direct_url["url"])


def remove_own_project(folder: Path, root: Path | None) -> None:
    """
    Delete the project's own modules if the requirements name the project itself ("-e ."), built from `root`.

    The package has them already. What they require stays.
    """
    for info in folder.glob("*.dist-info") if root else ():
        source = info / "direct_url.json"
        url = json.loads(source.read_text())["url"] if source.exists() else ""
        if root and url == root.resolve().as_uri():
            for path in pruning.recorded_files(info):
                if path.parent != info.resolve():
                    path.unlink(missing_ok=True)
            pruning.remove_empty_folders(folder)
