"""What is installed with hashes, what without, and what the commands say about it: with the real pip."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package import hashes
from django_offload.deploy.package.dependencies import install

from .wheels import write_project, write_wheel

type Install = Callable[..., list[str]]

UNLOCKED = (
    "  installed without hashes: {}. Nothing shows that they are what you tested. Lock them: uv pip "
    "compile --universal --generate-hashes --output-file lambdas/requirements.lock requirements.txt"
)


@pytest.fixture
def pip_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs lines of requirements.txt, and returns what is announced."""
    for name in ("apig-wsgi", "till", "shelf", "werkzeug", "durationpy"):
        write_wheel(tmp_path / "wheels", name, version="3.0")
    write_wheel(tmp_path / "wheels", "zappa", version="0.63.0")
    (tmp_path / "pip.conf").touch()
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)

    def run(*lines: str, with_zappa: bool = False) -> list[str]:
        announced: list[str] = []
        shutil.rmtree(tmp_path / "task", ignore_errors=True)
        (tmp_path / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))
        install(
            tmp_path / "requirements.txt",
            tmp_path / "task",
            architecture="x86_64",
            python="{}.{}".format(*sys.version_info[:2]),
            with_boto3=False,
            with_zappa=with_zappa,
            announce=announced.append,
        )
        return announced

    return run


@pytest.fixture
def locked(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that returns the locked line of a wheel."""

    def line(name: str, version: str = "3.0") -> str:
        wheel = tmp_path / "wheels" / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"

    return line


def modules(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "task").glob("*.py")}


def test_t13_a_package_of_other_content_than_the_locked_one_is_refused(tmp_path, pip_install, locked):
    lines = [locked("apig-wsgi"), locked("till")]
    assert pip_install(*lines) == []
    assert modules(tmp_path) == {"apig_wsgi.py", "till.py"}

    write_wheel(tmp_path / "wheels", "till", {"till.py": "import os"}, version="3.0")

    with pytest.raises(PackageFailed, match=r"THESE PACKAGES DO NOT MATCH THE HASHES"):
        pip_install(*lines)


def test_a_file_that_locks_some_packages_is_refused_by_their_names(tmp_path, pip_install, locked):
    write_project(tmp_path / "libs" / "own", "own")

    with pytest.raises(PackageFailed) as caught:
        pip_install(locked("apig-wsgi"), "till==3.0", "./libs/own", "shelf[all] >= 2 ; os_name == 'posix'")

    assert str(caught.value).removeprefix("The package was not built. ") == (
        f"requirements.txt has hashes, but none for till, {tmp_path}/libs/own, shelf. Lock the file again, "
        "so that each requirement has one. Of a project on this disk and of a repository, build a wheel, and "
        "name that with its hash."
    )
    assert not (tmp_path / "task").exists()


def test_what_the_web_function_needs_is_not_added_to_locked_packages_without_a_hash(pip_install, locked):
    with pytest.raises(PackageFailed) as caught:
        pip_install(locked("till"))

    assert str(caught.value).removeprefix("The package was not built. ") == (
        "requirements.txt has hashes, but lacks apig-wsgi, which the web function needs. "
        'Add "apig-wsgi>=2.20" to the file that it is made from, and lock it again.'
    )


def test_zappas_handler_is_not_added_to_locked_packages_without_a_hash(tmp_path, pip_install, locked):
    for line in ([], ["zappa==0.63.0"]):
        with pytest.raises(PackageFailed, match=r"has hashes, but lacks zappa, durationpy, which the web"):
            pip_install(locked("till"), locked("werkzeug"), *line, with_zappa=True)

    lines = [locked(name) for name in ("till", "werkzeug", "durationpy")]
    assert pip_install(*lines, locked("zappa", "0.63.0"), with_zappa=True) == []
    assert modules(tmp_path) >= {"werkzeug.py", "durationpy.py", "zappa.py"}


def test_packages_without_hashes_are_installed_and_named(tmp_path, pip_install):
    write_project(tmp_path / "libs" / "own", "own")

    assert pip_install("till", "./libs/own") == [UNLOCKED.format("2 packages (apig-wsgi, till)")]
    assert modules(tmp_path) == {"apig_wsgi.py", "till.py", "own.py"}
    assert pip_install("apig-wsgi") == [UNLOCKED.format("1 package (apig-wsgi)")]


def test_an_index_where_strangers_may_have_the_same_name_is_named_without_its_password(
    tmp_path, pip_install, locked, monkeypatch
):
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://me:secret@one.example/simple https://two.example")
    (tmp_path / "pip.conf").write_text("[global]\ntrusted-host = three.example\n")

    announced = pip_install("--extra-index-url http://me:secret@four.example/", "till")

    assert announced[1:] == [
        "  pip takes each package from any index that has a newer version of it, also from four.example, "
        "one.example, two.example. Somebody else's package may have the name of yours: lock with hashes.",
        "  pip doesn't check that it speaks to four.example, three.example. Use https, or lock with hashes.",
    ]
    # A hash is worth more than a name or an address.
    assert pip_install(locked("apig-wsgi"), locked("till")) == []


@pytest.mark.parametrize("option", ["--find-links", "-f"])
def test_a_page_of_links_is_a_place_where_strangers_may_have_the_same_name(tmp_path, monkeypatch, option):
    monkeypatch.setattr(
        hashes, "_configuration", lambda: ["global.find-links='http://me:secret@six.example/'"]
    )
    installed = tmp_path / "task" / "till-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Name: till\nVersion: 1.0\n")
    lines = [f"{option} https://me:secret@five.example/", f"{option} {tmp_path}", "till"]

    _count, further, unchecked = hashes.warnings(tmp_path / "task", lines, tmp_path / "requirements.txt")

    assert "newer version of it, also from five.example, six.example. " in further
    assert "pip doesn't check that it speaks to six.example. " in unchecked


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("till==1.0 --hash=sha256:00", True),
        ("till==1.0     --hash sha256:00", True),
        ("https://example.com/till-1.0-py3-none-any.whl#sha256=00", True),
        ("till @ https://example.com/till.zip#subdirectory=a&sha512=00", True),
        ("till==1.0", False),
        ("git+https://example.com/till.git@v1#egg=till", False),
        ("till @ https://example.com/till.zip#md5=00", False),
    ],
)
def test_a_hash_is_found_wherever_it_may_be(tmp_path, line, expected):
    assert hashes.are_locked([line, "--find-links wheels"], tmp_path) is expected
