"""`make audit` passes no package that the index didn't judge, and `make sbom` lists what is deployed."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.architecture.pypi_answers import CANARIES, OF_DJANGO, about, index
from tests.architecture.sources import ROOT, tracked
from tests.docs.how_to import AUDIT as HOW_TO_AUDIT

AUDIT = ROOT / ".ci" / "audit"
HASH = "--hash=sha256:" + "0" * 64
type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run() -> Run:
    """Run a program of .ci/audit in its own environment, as make does."""
    subprocess.run(
        [ROOT / ".ci" / "environment", "3.13", ".venv-audit", ".ci/audit/requirements.lock"],
        check=True,
        capture_output=True,
    )

    def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / ".venv-audit" / "bin" / "python", AUDIT / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Return a function that imports a program of .ci/audit here, where it needs no package of its own."""
    monkeypatch.syspath_prepend(AUDIT)
    yield import_module
    for name in ("audit", "locks"):
        sys.modules.pop(name, None)


@pytest.fixture
def audit(run: Run, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Audit a lock file with some packages against an index that knows something."""

    def audit(known: Mapping[str, Any], *releases: str) -> tuple[int, str]:
        lock = tmp_path / "some.lock"
        lines = (f"{one.replace('/', '==')} \\\n    {HASH}\n" for one in releases)
        lock.write_text("# Written by make lock.\n" + "".join(lines))
        with index(known) as address:
            process = run("audit.py", "--index", address, "--seconds", 1, lock)
        assert process.stderr == ""
        return process.returncode, process.stdout

    return audit


def test_t13_packages_that_the_index_judged_are_passed(audit):
    # The marker is for Windows, and the package is judged all the same.
    fine = ("boto3/1.43.0", "tzdata/2026.6 ; sys_platform == 'win32'")

    code, output = audit({**CANARIES, "boto3/1.43.0": [], "tzdata/2026.6": []}, *fine)

    assert (
        output
        == "2 releases of 1 lock files: 2 without known vulnerabilities, 0 vulnerable, 0 not audited.\n"
    )
    assert code == 0


def test_each_package_that_the_index_did_not_judge_is_named(audit):
    known = {
        **CANARIES,
        "boto3/1.43.0": [],
        "django/2.2.1": [OF_DJANGO],
        "listless/1.0": {**about("listless/1.0", []), "vulnerabilities": None},
        "mirrored/1.0": {"info": {"name": "mirrored", "version": "1.0"}},
        "redirected/1.0": about("another/1.0", []),
        "older/1.0": about("older/0.9", []),
    }

    code, output = audit(known, *known.keys() - CANARIES.keys(), "unheard/1.0")

    assert output.splitlines() == [
        "VULNERABLE   django 2.2.1: PYSEC-2019-11 (fixed in 1.11.23 or 2.1.11 or 2.2.4). In some.lock.",
        "NOT AUDITED  listless 1.0, mirrored 1.0, older 1.0, redirected 1.0: the answer doesn't list the "
        "vulnerabilities of this release.",
        "NOT AUDITED  unheard 1.0: the index doesn't know this release.",
        "7 releases of 1 lock files: 1 without known vulnerabilities, 1 vulnerable, 5 not audited.",
        "Raise these versions: change the .in file, then run make lock and make test.",
    ]
    assert code == 1


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({}, r"the index doesn't know this release\."),
        ({"django/2.2": [], "requests/2.19.1": []}, "it lists none"),
        # pip-audit passes a release that was withdrawn from the list, and one without a list.
        ({"django/2.2": {"info": {}}, "requests/2.19.1": {"info": {}}}, "the answer doesn't list"),
    ],
    ids=["empty", "lists nothing", "files only"],
)
def test_an_index_that_knows_nothing_passes_nothing(audit, known, reason):
    code, output = audit({**known, "boto3/1.43.0": []}, "boto3/1.43.0")

    first, second, *_, last = output.splitlines()
    assert re.fullmatch(r"NOT AUDITED: http://\S+ can't judge, so nothing is passed\.", first)
    assert re.match(f"  It should know vulnerabilities of django 2.2: {reason}", second)
    assert last == (
        "Run this where PyPI itself is reached. A mirror that only has files knows of no vulnerability."
    )
    assert code == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (500, "the index answered 500"),
        (None, r"no answer \(.*Read timed out.*\)"),
        ('{"info": ', "the answer doesn't list the vulnerabilities of this release"),
    ],
    ids=["fails", "hangs", "malformed"],
)
def test_an_index_that_breaks_off_passes_nothing_that_it_did_not_judge(audit, answer, reason):
    code, output = audit({**CANARIES, "boto3/1.43.0": answer}, "boto3/1.43.0")

    first, second = output.splitlines()
    assert re.fullmatch(rf"NOT AUDITED  boto3 1\.43\.0: {reason}\.", first)
    assert second.endswith("0 without known vulnerabilities, 0 vulnerable, 1 not audited.")
    assert code == 2


def test_the_command_for_other_projects_is_one_that_pip_audit_takes(run):
    """It fails for what the index doesn't know, and installs nothing itself."""
    program = "import sys; from pip_audit._cli import _parser; print(_parser().parse_args(sys.argv[1:]))"

    parsed = subprocess.run(
        [ROOT / ".venv-audit" / "bin" / "python", "-c", program, *shlex.split(HOW_TO_AUDIT)[1:]],
        capture_output=True,
        text=True,
        check=True,
    )

    assert {"strict=True", "require_hashes=True", "disable_pip=True"} <= set(
        re.split(r"[(), ]+", parsed.stdout)
    )


def test_without_a_network_nothing_is_passed(run, tmp_path):
    (tmp_path / "some.lock").write_text(f"boto3==1.43.0 {HASH}\n")
    with index({}) as address:
        pass

    process = run("audit.py", "--index", address, "--seconds", 1, tmp_path / "some.lock")

    assert "django 2.2: no answer (" in process.stdout
    assert (process.returncode, process.stderr) == (2, "")


@pytest.mark.parametrize(
    "line", ["boto3>=1.43", "boto3==1.43.0", f"boto3 @ https://example.com/boto3.whl {HASH}"]
)
def test_what_is_not_locked_is_not_audited(programs, capsys, tmp_path, line):
    (tmp_path / "some.lock").write_text(f"django==6.1.3 {HASH}\n{line}\n")

    code = programs("audit").main("--index", "http://127.0.0.1:1", str(tmp_path / "some.lock"))

    words = line.partition(" --hash")[0]
    assert capsys.readouterr().out == (
        f"NOT AUDITED: {tmp_path}/some.lock has '{words}', which isn't one version with hashes. "
        "Run make lock.\n"
    )
    assert code == 2


def test_t13_every_lock_file_has_hashes_for_each_package(programs):
    locks = programs("locks")
    counts = {lock: len(locks.read(lock)) for lock in locks.lock_files()}

    assert counts == {
        lock: len(re.findall(r"^[A-Za-z0-9]", lock.read_text(), re.MULTILINE))
        for lock in tracked()
        if lock.suffix == ".lock"
    }
    assert {ROOT / "requirements.lock", ROOT / "lambdas" / "requirements.lock"} <= counts.keys()
    assert not [lock for lock in counts if re.search(r"://|^-|@ ", lock.read_text(), re.MULTILINE)]
    assert "\t@.venv-audit/bin/python .ci/audit/audit.py\n" in (ROOT / "Makefile").read_text()
    assert "audit" not in (ROOT / ".ci" / "check").read_text()


def test_t13_no_script_installs_a_package_that_is_not_locked():
    scripts = [
        path for path in tracked() if ".ci" in path.parts or path.name in {"Makefile", ".readthedocs.yaml"}
    ]
    installing = re.compile(r"\bpip[\"', -]+install\b(?!.*--require-hashes)")

    found = {
        path.relative_to(ROOT).as_posix()
        for path in scripts
        if path.suffix != ".lock" and installing.search(path.read_text(errors="ignore"))
    }

    def using(pattern: str) -> set[str]:
        return {
            path.relative_to(ROOT).as_posix()
            for path in scripts
            if path.suffix not in {".lock", ".py"} and re.search(pattern, path.read_text(errors="ignore"))
        }

    # npm installs what its lock file has, and the system's own packages are signed by it.
    assert using(r"\b(?:npm|npx|yarn) (?:ci|install|i|exec)\b") == {".ci/node-packages"}
    assert "npm ci --ignore-scripts" in (ROOT / ".ci" / "node-packages").read_text()
    system = r"\b(?:apt-get|apt|dnf|yum|brew) install\b|\$playwright install\b"
    installing_them = {".ci/browser", ".ci/node-packages", ".ci/postgresql"}
    saying_how = {".ci/demo-environment", ".ci/find-python"}
    assert using(system) == installing_them | saying_how
    assert using(r"\b(?:curl|wget|gem|cargo|pipx|easy_install)\b") == set()
    # It adds the option beside the name of the lock file.
    assert found == {".ci/environment.py"}
    assert '"--require-hashes", "--no-deps"' in (ROOT / ".ci" / "environment.py").read_text()
    packages = json.loads((ROOT / "tests/browser/node/package-lock.json").read_text())["packages"]
    assert [
        name for name, one in packages.items() if name and "sha512-" not in one.get("integrity", "")
    ] == []


def test_t13_the_sbom_lists_every_package_of_the_functions_with_version_hash_and_purl(run, tmp_path):
    written = [tmp_path / "first.json", tmp_path / "second.json"]
    with ThreadPoolExecutor() as pool:
        processes = list(pool.map(lambda path: run("sbom.py", path), written))
    # The program itself holds it against CycloneDX's schema.
    for path, process in zip(written, processes, strict=True):
        assert process.stdout == f"{path}: 10 packages, CycloneDX 1.6\n", process.stderr
    assert written[0].read_bytes() == written[1].read_bytes()

    sbom = json.loads(written[0].read_text())
    lock = (ROOT / "lambdas" / "requirements.lock").read_text()
    blocks = re.findall(r"^([\w.-]+)==(\S+)(.*?)(?=^[\w.-]+==|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert [
        (one["name"], one["version"], one["purl"], {each["content"] for each in one["hashes"]})
        for one in sbom["components"]
    ] == [
        (name, version, f"pkg:pypi/{name}@{version}", set(re.findall(r"sha256:(\w{64})", rest)))
        for name, version, rest in sorted((canonicalize_name(name), *others) for name, *others in blocks)
    ]
    excluded = {one["name"] for one in sbom["components"] if one["scope"] == "excluded"}
    assert excluded == {"typing-extensions", "tzdata"}
    asks = {one["ref"]: one.get("dependsOn", []) for one in sbom["dependencies"]}
    (django,) = (one["purl"] for one in sbom["components"] if one["name"] == "django")
    assert django in asks[sbom["metadata"]["component"]["bom-ref"]]
    assert [one.partition("@")[0] for one in asks[django]] == [
        "pkg:pypi/asgiref",
        "pkg:pypi/sqlparse",
        "pkg:pypi/tzdata",
    ]
