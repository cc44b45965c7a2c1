"""The requirements as the real pip installs them, from wheels and projects on this disk."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.dependencies import install
from django_offload.deploy.package.requirements import read_requirements

from .wheels import write_project, write_wheel

PYTHON = "{}.{}".format(*sys.version_info[:2])
Install = Callable[..., list[str]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project. pip finds only the wheels in a folder beside it, and must not obey other configuration."""
    wheels = tmp_path / "wheels"
    for name in ("apig-wsgi", "till", "only-arm", "only-intel", "shared-needs-this"):
        write_wheel(wheels, name, version="2.20")
    write_wheel(wheels, "zappa", version="0.63.0")
    write_wheel(wheels, "uses-zappa", requires=["zappa"])
    write_wheel(wheels, "has-extra", requires=["shared-needs-this; extra == 'shared'"])
    write_wheel(wheels, "needs-both", requires=["only-arm; platform_machine == 'aarch64'"])
    (tmp_path / "pip.conf").write_text(
        f"[install]\nuser = true\nprefix = {tmp_path}/conf\nno-deps = true\nrequire-hashes = true\n"
        f"requirement = {tmp_path}/none.txt\n[global]\nrequire-virtualenv = true\npython = /usr/bin/none\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "shop" / "lambdas").mkdir(parents=True)
    return tmp_path / "shop"


@pytest.fixture
def pip_install(root: Path, tmp_path: Path) -> Install:
    """Return a function that installs lines of requirements.txt into tmp_path / "task"."""

    def run(
        *lines: str,
        architecture: str = "x86_64",
        with_zappa: bool = False,
        announce: Callable[[str], None] = lambda text: None,
    ) -> list[str]:
        (root / "lambdas" / "requirements.txt").write_text("\n".join(["apig-wsgi", *lines, ""]))
        return install(
            root / "lambdas" / "requirements.txt",
            tmp_path / "task",
            architecture=architecture,
            python=PYTHON,
            with_boto3=False,
            with_zappa=with_zappa,
            root=root,
            announce=announce,
        )

    return run


def installed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".dist-info")}


def test_every_kind_of_requirement_is_installed_for_the_functions_not_for_this_machine(
    root: Path, tmp_path: Path, pip_install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(root / "libs" / "linked", "linked", requires=["shared-needs-this"])
    write_project(root / "libs" / "plain", "plain")
    write_project(root / "lambdas" / "beside", "beside")
    write_project(root, "shop-site", {"shop/views.py": "", "manage.py": ""}, requires=["till"])
    write_wheel(root / "vendored", "vendored")
    write_wheel(root / "lambdas" / "found", "found")
    write_wheel(root / "other", "other")
    write_project(root / "my libs" / "spaced", "spaced")
    (root / "base.txt").write_text(
        "plain @ file:libs/plain\n./libs/linked ; os_name == 'posix'  # A comment.\n"
    )
    for name in ("TARGET", "PREFIX", "ROOT"):
        monkeypatch.setenv(f"PIP_{name}", str(tmp_path / "elsewhere"))
    for name in ("USER", "DRY_RUN", "REQUIRE_VIRTUALENV", "NO_DEPS"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    monkeypatch.setenv("PIP_PLATFORM", "win_amd64")
    monkeypatch.setenv("OTHER_WHEELS", str(root / "other"))

    tools = pip_install(
        "-e ./beside",
        "-e .",
        "-r ../base.txt",
        "--find-links found",
        "found",
        "vendored/vendored-1.0-py3-none-any.whl",
        "${OTHER_WHEELS}/other-1.0-py3-none-any.whl ; os_name == 'posix'",
        "-e './my libs/spaced'",
        "only-intel ; platform_machine == 'x86_64'",
        "only-intel ; sys_platform == 'darwin' or platform_system == 'Windows'",
        "uses-zappa",
        "needs-both >= \\",
        "    1",
        "zappa[extra] == 0.63.0 ; python_version > '3.8'",
        architecture="arm64",
    )

    assert tools == ["zappa"]
    # Another requirement brings it too.
    assert not list((tmp_path / "task").glob("zappa*"))
    assert installed(tmp_path / "task") == {
        *("apig_wsgi.py", "linked.py", "shared_needs_this.py", "plain.py", "beside.py", "found.py"),
        *("till.py", "vendored.py", "needs_both.py", "only_arm.py"),
        *("other.py", "spaced.py", "uses_zappa.py"),
    }
    assert not [path for path in (tmp_path / "task").rglob("*") if path.suffix == ".pth"]
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "conf").exists()
    assert str(root) not in "".join(
        path.read_text() for path in (tmp_path / "task").rglob("*") if path.is_file()
    )


def test_extras_are_installed_and_those_that_a_package_lacks_are_told(
    tmp_path: Path, pip_install: Install
) -> None:
    told: list[str] = []

    pip_install("has-extra[shared,chared]", announce=told.append)

    assert installed(tmp_path / "task") >= {"has_extra.py", "shared_needs_this.py"}
    assert told[0] == "  pip: has-extra 1.0 does not provide the extra 'chared'"


def test_a_file_with_hashes_that_lacks_a_dependency_is_refused_by_name(
    root: Path, tmp_path: Path, pip_install: Install
) -> None:
    write_wheel(tmp_path / "wheels", "locked", requires=["till"])
    lines = []
    for name in ("locked-1.0", "apig_wsgi-2.20"):
        wheel = (tmp_path / "wheels" / f"{name}-py3-none-any.whl").read_bytes()
        lines.append(f"{name.replace('-', '==')} --hash=sha256:{hashlib.sha256(wheel).hexdigest()}")
    (root / "locked.txt").write_text("\n".join(lines))
    folder = tmp_path / "task"

    with pytest.raises(PackageFailed, match=r"These do not: till .*\(from locked==1\.0"):
        install(
            root / "locked.txt",
            folder,
            architecture="x86_64",
            python=PYTHON,
            with_boto3=False,
            with_zappa=False,
        )


def test_what_pip_builds_for_another_processor_is_refused(root: Path, pip_install: Install) -> None:
    library = b"\x7fELF" + bytes(14) + (62).to_bytes(2, "little")
    write_project(root / "libs", "native", {"native/_fast.cpython-313-x86_64-linux-gnu.so": library})

    with pytest.raises(PackageFailed) as caught:
        pip_install("./libs", architecture="arm64")

    assert (
        "_fast.cpython-313-x86_64-linux-gnu.so of native was built on this machine, for x86_64, but the "
        "functions are arm64. Name a wheel that is built for the functions"
    ) in str(caught.value)


def test_zappas_handler_does_not_replace_versions_that_the_project_chose(
    root: Path, tmp_path: Path, pip_install: Install
) -> None:
    wheels = tmp_path / "wheels"
    for version in ("2.1", "3.0"):
        write_wheel(wheels, "markupsafe", version=version)
    write_wheel(wheels, "werkzeug", version="3.1", requires=["markupsafe>=2"])
    write_wheel(wheels, "durationpy", version="0.9")
    files = {"zappa/handler.py": "", "zappa/cli.py": ""}
    write_wheel(wheels, "zappa", files, version="0.63.0", requires=["placebo<0.10"])

    tools = pip_install("markupsafe<3", "zappa", "placebo==0.9.0", with_zappa=True)

    assert tools == ["placebo"]
    assert {path.name for path in (tmp_path / "task").glob("*.dist-info")} >= {"markupsafe-2.1.dist-info"}
    assert len(list((tmp_path / "task").glob("markupsafe-*"))) == 1
    assert [path.name for path in (tmp_path / "task" / "zappa").iterdir()] == ["handler.py"]


def test_only_what_the_package_cannot_read_is_deleted(
    root: Path, tmp_path: Path, pip_install: Install
) -> None:
    def package(name: str, init: str, **more: str) -> str:
        files = {f"{name}/__init__.py": init, f"{name}/__init__.pyi": "", f"{name}/tests/__init__.py": ""}
        write_wheel(tmp_path / "wheels", name, files | {f"{name}/{file}": "" for file in more.values()})
        return name

    names = [
        package("plain", "", po="de/x.po", mo="de/x.mo", alone="fr/x.po", header="api.h", source="a.pyx"),
        package("compiled", "", source="a.pyx", library="a.cpython-313-x86_64-linux-gnu.so"),
        package("reads_stub", "text = open(__file__.removesuffix('py') + 'pyi').read()"),
        package("lazy", "import lazy_loader as l; l.attach_stub(__name__, __file__)"),
        package("imports_tests", "def test(): from .tests import runner"),
        package("names_tests", "from importlib import import_module; import_module(f'{__name__}.tests')"),
        package("borrowed", ""),
        package("borrows", "import borrowed.tests"),
        package("says_tests", "def run(tests): 'Run the tests.'"),
        package("of_python_2", "from . import tests\nprint 'text'"),
    ]

    pip_install(*names)

    task = tmp_path / "task"
    kept = {str(path.relative_to(task)) for path in task.rglob("*") if path.is_file() and path.parent != task}
    kept = {path for path in kept if not path.endswith("/__init__.py") or "/tests/" in path}
    assert {path for path in kept if ".dist-info/" not in path} == {
        *("plain/de/x.mo", "plain/fr/x.po", "plain/api.h", "plain/a.pyx"),
        "compiled/a.cpython-313-x86_64-linux-gnu.so",
        *("reads_stub/__init__.pyi", "lazy/__init__.pyi"),
        *(
            f"{name}/tests/__init__.py"
            for name in ("imports_tests", "names_tests", "borrowed", "borrows", "of_python_2")
        ),
    }
    assert {path.rpartition("/")[2] for path in kept if ".dist-info/" in path} == {
        *("METADATA", "RECORD", "top_level.txt"),
    }


def test_compiled_programs_stay_and_scripts_with_a_path_of_this_machine_go(
    tmp_path: Path, pip_install: Install
) -> None:
    scripts: dict[str, str | bytes] = {"draws.py": "", "draws-1.0.data/scripts/draw": b"\x7fELF and its code"}
    scripts["draws-1.0.data/scripts/draw-all"] = "#!python\n"
    write_wheel(tmp_path / "wheels", "draws", scripts)

    pip_install("draws", "has-extra")

    assert [path.name for path in (tmp_path / "task" / "bin").iterdir()] == ["draw"]


def test_a_failure_of_pip_has_pips_words(pip_install: Install) -> None:
    with pytest.raises(PackageFailed) as caught:
        pip_install("tills")

    assert "No matching distribution found for tills. Correct the requirements. Each needs a wheel" in str(
        caught.value
    ).replace("tills Correct", "tills. Correct")


def test_an_environment_without_pip_is_an_error(
    pip_install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)

    with pytest.raises(PackageFailed, match=r"has no pip\. Install it with uv pip install pip"):
        pip_install()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("./libs/gone", "requirements.txt names ./libs/gone, which is neither in"),
        ("-e ../gone[web]", "requirements.txt names ../gone, which is neither in"),
        ("gone.whl", "requirements.txt names gone.whl, which is neither in"),
        ("-c gone.txt", "requirements.txt names gone.txt, which is neither in"),
        ("--find-links=gone", "requirements.txt names gone, which is neither in"),
        ("${GONE}/till.whl", "requirements.txt names ${GONE}/till.whl, which is neither in"),
        ("-r gone.txt", "gone.txt cannot be read (No such file or directory). Name another file."),
        ("-r requirements.txt", "requirements.txt includes itself. Remove the line -r"),
    ],
)
def test_paths_that_lead_nowhere_are_named(root: Path, pip_install: Install, line: str, message: str) -> None:
    with pytest.raises(PackageFailed) as caught:
        pip_install(line)

    assert message in str(caught.value)


def test_requirements_are_read_as_pip_reads_them(root: Path, tmp_path: Path) -> None:
    (root / "constraints.txt").touch()
    lines = [
        "# A comment \\",
        "Django==6.1 \\",
        "    --hash=sha256:1 \\",
        "    --hash=sha256:2",
        "--constraint=constraints.txt",
        "git+https://example.com/till.git@v1#egg=till",
        "zip @ https://example.com/till.zip",
        "-e git+https://github.com/zappa/Zappa.git#egg=zappa",
        "django-offload[web,deploy]>=0.1",
        "Django_Offload [deploy]",
        "-i https://example.com/simple",
        f"{os.sep}abs{os.sep}till.whl",
    ]
    (root / "abs").touch()
    (root / "requirements.txt").write_bytes("\r\n".join(lines[:-1]).encode("utf-16"))

    said = read_requirements(root / "requirements.txt", root)

    assert said.lines == (
        "Django==6.1     --hash=sha256:1     --hash=sha256:2",
        f"--constraint {root}/constraints.txt",
        "git+https://example.com/till.git@v1#egg=till",
        "zip @ https://example.com/till.zip",
        "django-offload[web]>=0.1",
        "Django_Offload",
        "-i https://example.com/simple",
    )
    assert list(said.tools) == ["zappa"]


@pytest.mark.parametrize(
    "line",
    [
        "zappa",
        "Zappa [all] == 0.63.0 ; python_version > '3.8'",
        "zappa @ https://example.com/any.zip",
        "git+https://github.com/zappa/Zappa.git@0.63.0",
        "git+ssh://git@github.com/zappa/Zappa.git",
        "-e git+https://github.com/zappa/Zappa#egg=zappa",
        "https://example.com/zappa-0.63.0-py3-none-any.whl#sha256=0",
        "./Zappa-0.63.0.tar.gz",
        "placebo==0.9.0 --hash=sha256:0",
    ],
)
def test_zappa_is_left_out_however_it_is_named(root: Path, line: str) -> None:
    (root / "Zappa-0.63.0.tar.gz").touch()
    (root / "requirements.txt").write_text(f"zappa-django-utils\nzappa_site @ file:.\n{line}\n")

    said = read_requirements(root / "requirements.txt", root)

    assert [one.partition(" ")[0] for one in said.lines] == ["zappa-django-utils", "zappa_site"]
    assert list(said.tools) == ["placebo" if line.startswith("placebo") else "zappa"]
