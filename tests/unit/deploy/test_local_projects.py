"""The projects on this disk that the requirements name are built from what git tracks."""

import os
import sys
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.dependencies import install
from django_offload.deploy.package.local_projects import copy_tracked

from .repositories import git, write
from .wheels import write_project, write_wheel

PYTHON = "{}.{}".format(*sys.version_info[:2])
# A backend that takes all that is in the folder, as setuptools does, and that asks git for the version.
BACKEND = """
import subprocess, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from wheels import write_wheel

def build_wheel(folder, config_settings=None, metadata_directory=None):
    def git(*words):
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout
    files = {{str(path): path.read_text() for path in Path().rglob("*/*.*") if path.is_file()}}
    files["shared/said.txt"] = git("describe", "--tags") + git("status", "--porcelain")
    files["shared/beside.txt"] = (Path().resolve().parent / "common.txt").read_text()
    return write_wheel(folder, "shared", files, requires={requires!r}).name
"""
AUTHOR = ("-c", "user.name=of-the-tests", "-c", "user.email=of@the.tests")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a site and a library, whose folder holds files that git doesn't track."""
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    write_wheel(tmp_path / "wheels", "apig-wsgi", version="2.20")
    root = tmp_path / "repository" / "site"
    library(root)
    write(root, {".gitignore": "local_settings.py\n/libs/shared/build/\n"})
    git(root.parent, "init", "-q")
    git(root.parent, "add", ".")
    git(root.parent, *AUTHOR, "commit", "-q", "-m", "x")
    git(root.parent, "tag", "v7")
    write(root / "libs" / "shared", {"shared/local_settings.py": "", "build/lib/shared/old.py": ""})
    write(root / "libs" / "shared", {"shared/customers.csv": ""})
    return root


def library(root: Path, requires: tuple[str, ...] = ()) -> None:
    folder = root / "libs" / "shared"
    write_project(folder, "shared")
    here = str(Path(__file__).parent)
    write(folder, {"own_backend.py": BACKEND.format(here=here, requires=requires), "shared/prices.py": ""})
    write(folder.parent, {"common.txt": "common"})
    if not (folder / "shared" / "linked.py").exists():
        (folder / "shared" / "linked.py").symlink_to("prices.py")


@pytest.mark.parametrize(
    "line", ["-e ./libs/shared", "shared @ file:libs/shared", "shared @ file://{root}/libs/shared"]
)
def test_a_project_is_built_without_what_git_does_not_track(root: Path, tmp_path: Path, line: str) -> None:
    told: list[str] = []

    install_line(root, line.format(root=root), tmp_path / "task", told)

    shared = tmp_path / "task" / "shared"
    assert {path.name for path in shared.iterdir()} == {"prices.py", "linked.py", "said.txt", "beside.txt"}
    assert not (tmp_path / "task" / "build").exists()
    assert (shared / "said.txt").read_text() == "v7\n"
    assert told[:1] == [
        f"  not in git, so not built in: {root}/libs/shared/shared/customers.csv, "
        f"{root}/libs/shared/shared/local_settings.py"
    ]


def test_a_project_that_requires_itself_is_not_packaged_twice(root: Path, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels", "till")
    write_project(root, "shop-site", {"shop/views.py": ""}, requires=["till"])
    git(root, "add", "pyproject.toml", "own_backend.py")

    install_line(root, "-e .", tmp_path / "task", [])

    assert (tmp_path / "task" / "till.py").exists()
    assert not (tmp_path / "task" / "shop").exists()


def test_a_project_that_another_one_names_by_its_full_path_is_refused(root: Path, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels", "links", requires=[f"shared @ {(root / 'libs' / 'shared').as_uri()}"])

    with pytest.raises(PackageFailed, match=r"shared is built from .*/libs/shared, which another project"):
        install_line(root, "links", tmp_path / "task", [])


def test_links_of_a_copy_do_not_lead_back(root: Path, tmp_path: Path) -> None:
    shared = root / "libs" / "shared" / "shared"
    (shared / "back.py").symlink_to(shared / "local_settings.py")
    git(root, "add", "libs/shared/shared/back.py")

    copy_tracked(root.parent, tmp_path / "copy")

    assert not (tmp_path / "copy" / "site" / "libs" / "shared" / "shared" / "back.py").exists()


def test_a_project_that_git_does_not_track_is_refused_by_name(root: Path, tmp_path: Path) -> None:
    write_project(root / "vendored", "vendored")

    with pytest.raises(PackageFailed, match=r"name .*/site/vendored, but git tracks no file there\. Add the"):
        install_line(root, "./vendored", tmp_path / "task", [])


def test_errors_of_pip_name_the_project_itself(root: Path, tmp_path: Path) -> None:
    git(root, "rm", "-q", "--cached", "libs/shared/pyproject.toml")

    with pytest.raises(PackageFailed) as caught:
        install_line(root, "./libs/shared", tmp_path / "task", [])

    assert f"{root}/libs/shared" in str(caught.value)


def install_line(root: Path, line: str, folder: Path, told: list[str]) -> None:
    (root / "requirements.txt").write_text(f"apig-wsgi\n{line}\n")
    install(
        root / "requirements.txt",
        folder,
        architecture="x86_64",
        python=PYTHON,
        with_boto3=False,
        with_zappa=False,
        root=root,
        announce=told.append,
    )
