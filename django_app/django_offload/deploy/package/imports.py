"""Load what the settings use from the package alone, to find what it lacks before anything is deployed."""

import json
import platform
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from ...definition.registry import LISTING
from ..errors import PackageFailed
from . import bytecode
from .dependencies import MACHINES, RUNTIME_MODULES, RUNTIME_PACKAGES

# Settings may wait for a server that the placeholder of a secret doesn't lead to.
_PATIENCE_SECONDS = 300
_PROGRAM = (Path(__file__).parent / "import_program.py").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that the settings use and that can't be loaded from the package."""

    what: str
    error: str
    kind: str  # "import", "file" (a file of the package is missing) or "other".
    missing: tuple[
        str, ...
    ] = ()  # The top-level modules that the package lacks, the one tried first at the end.


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the package lacks, and what else can't be loaded from it."""

    lacking: tuple[str, ...] = ()  # Top-level modules.
    broken: tuple[Failure, ...] = ()
    unchecked: tuple[Failure, ...] = ()  # These fail for another reason than the content of the package.
    mentioned: tuple[str, ...] = field(default=())  # Lacking modules that only a text in the settings names.
    leading_out: tuple[str, ...] = ()  # Settings with paths to the project's folder, which functions lack.

    @property
    def fine(self) -> bool:
        return not (self.lacking or self.broken)


def check_imports(
    folder: Path,
    source_root: str,
    environ: Mapping[str, str],
    *,
    root: Path,
    python: str,
    architecture: str,
) -> Findings:
    """
    Load settings, apps, URLs, middleware, databases, caches and tasks with nothing but the package.

    Modules of Lambda's runtime, such as boto3, come from this machine. So do packages with compiled code if
    this machine can't run that code. Nothing comes from the project's own folder `root`.
    """
    elsewhere = [path for path in sys.path if is_of_packages(path, root)]
    runs_here = can_run(architecture)
    compiled = {path.relative_to(folder).parts[0].partition(".")[0] for path in folder.rglob("*.so")}
    borrowed = set(RUNTIME_MODULES) | (set() if runs_here else compiled)
    lacking: list[str] = []
    while True:
        failures, said = _load(
            folder,
            source_root,
            environ,
            python,
            {
                "project": str(root.resolve()),
                "elsewhere": elsewhere,
                "borrowed": [*borrowed, *lacking],
                "distributions": [*RUNTIME_PACKAGES, *dict(_packages(lacking))],
            },
        )
        # With what was found, the next run gets further.
        found = [name for failure in failures if (name := _chosen(failure.missing)) and name not in lacking]
        if not found:
            break
        lacking += dict.fromkeys(found)
    rest = [failure for failure in failures if not failure.missing]
    broken = tuple(failure for failure in rest if runs_here and failure.kind != "other")
    return Findings(
        lacking=tuple(lacking),
        broken=broken,
        unchecked=tuple(failure for failure in rest if failure not in broken),
        mentioned=tuple(name for name in said.get("mentioned", ()) if name not in lacking),
        leading_out=tuple(said.get("leading_out", ())),
    )


def is_of_packages(path: str, root: Path) -> bool:
    """Return True if modules that a path leads to are neither Python's nor the project's own."""
    of_python = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    if not path or path in of_python or path.endswith((".zip", "lib-dynload")):
        return False
    return "site-packages" in path or not Path(path).resolve().is_relative_to(root.resolve())


def raise_if_lacking(findings: Findings, requirements: str, source: Path) -> None:
    """
    Raise PackageFailed if the package lacks something that the settings use, or holds it incomplete.

    `source` is the folder that the project's own modules are imported from.
    """
    own = [name for name in findings.lacking if (source / name).is_dir() or (source / f"{name}.py").is_file()]
    if own:
        raise PackageFailed(
            f"The settings use {', '.join(own)}, which is in the project but not among the files to package.",
            'Add it to git, or name it in "include" of the stage\'s file.',
        )
    if "zappa" in findings.lacking:
        raise PackageFailed(
            "The settings use zappa, which isn't packaged, because it only deploys the site.",
            "Use a task of django_offload instead of what is imported from zappa. Or keep Zappa's handler: "
            'remove "lambda_handler" in zappa_settings.json.',
        )
    if findings.lacking:
        names = [
            f"{name} ({named})" if named != name else name for name, named in _packages(findings.lacking)
        ]
        raise PackageFailed(
            f"The settings use {', '.join(names)}, but {requirements} doesn't bring that into the package.",
            f"Add it to {requirements}, or remove it from the settings of this stage.",
        )
    if findings.broken:
        texts = "; ".join(f"{failure.what}: {failure.error}" for failure in findings.broken)
        raise PackageFailed(
            f"Loaded from the package alone, this fails: {texts}.",
            'Correct the requirements, or "exclude" in zappa_settings.json. If it works when deployed, add '
            "--skip-checks.",
        )


def can_run(architecture: str) -> bool:
    """Return True if this machine runs code that is compiled for the functions."""
    return (
        sys.platform == "linux"
        and platform.machine() == MACHINES[architecture]
        and platform.libc_ver()[0] == "glibc"
    )


def _load(
    folder: Path,
    source_root: str,
    environ: Mapping[str, str],
    python: str,
    borrowing: Mapping[str, list[str] | str],
) -> tuple[list[Failure], Mapping[str, list[str]]]:
    given = {
        "paths": list(dict.fromkeys([str((folder / source_root).resolve()), str(folder.resolve())])),
        **borrowing,
        "listing": str(folder / LISTING),
    }
    with tempfile.TemporaryDirectory(prefix="offload-imports-") as temporary:
        # The settings may print, so the answer is in a file.
        answer = Path(temporary) / "answer.json"
        try:
            process = subprocess.run(
                [bytecode.interpreter(python), "-I", "-S", "-B", "-c", _PROGRAM, str(answer)],
                cwd=folder,
                env=bytecode.without_python(environ),
                input=json.dumps(given),
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_PATIENCE_SECONDS,
            )
            error = (process.stderr.strip() or f"Python ended with {process.returncode}").splitlines()[-1]
        except subprocess.TimeoutExpired:
            error = f"it takes longer than {_PATIENCE_SECONDS} seconds"
        if not answer.exists():
            return [Failure(what="the site", error=error, kind="other")], {}
        said = json.loads(answer.read_text())
    return [
        Failure(what=one["what"], error=one["error"], kind=one["kind"], missing=tuple(one["missing"]))
        for one in said["failures"]
    ], said


def _chosen(missing: Sequence[str]) -> str | None:
    """
    Return the module to name, of alternatives of which one is enough, such as psycopg2 and psycopg.

    It is the one that this machine has, or else the one that was tried first.
    """
    here = metadata.packages_distributions()
    return next((name for name in reversed(missing) if name in here), missing[-1] if missing else None)


def _packages(modules: Sequence[str]) -> list[tuple[str, str]]:
    """Return each module's name, with the name of the package to install if it is another."""
    here = metadata.packages_distributions()
    named = [(module, here.get(module, [module])[0]) for module in modules]
    return [
        (package, module if package.lower().replace("-", "_") != module.lower() else package)
        for module, package in named
    ]
