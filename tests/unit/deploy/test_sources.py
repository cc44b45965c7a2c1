"""The project's files that are packaged."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.sources import is_secret, is_site_file, select_files

from .repositories import git, packaged, write

AT_TOP = ["prices.json", "VERSION", "robots.txt"]
PACKAGED = [
    "manage.py",
    "django_app/shop/views.py",
    "django_app/shop/templates/shop/home.html",
    "lambdas/worker.py",
    "shop/locale/de/LC_MESSAGES/django.mo",
]
LEFT_OUT = [
    "README.md",
    "LICENSE",
    "pyproject.toml",
    "uv.lock",
    "zappa_settings.json",
    ".env",
    ".env.production",
    "server.pem",
    "db.sqlite3",
    "shop/.env",
    "shop/production.env",
    "shop/server.pem",
    "shop/id_rsa",
    "shop/id_ecdsa",
    "shop/SERVER.PEM",
    "shop/upload.keystore",
    "shop/db.sqlite3",
    "shop/db.sqlite3-wal",
    "shop/tests/test_views.py",
    "shop/tests.py",
    "shop/test_models.py",
    "shop/conftest.py",
    "shop/locale/de/LC_MESSAGES/django.po",
    "shop/__pycache__/views.cpython-313.pyc",
    "lambdas/requirements.lock",
    "infra/dev.json",
    "node_modules/x/setup.py",
    ".git/hooks/x.py",
]


@pytest.mark.parametrize("name", [*PACKAGED, *AT_TOP])
def test_code_and_files_that_it_reads_are_packaged(name: str) -> None:
    assert is_site_file(PurePosixPath(name))


@pytest.mark.parametrize("name", LEFT_OUT)
def test_secrets_data_tests_and_tools_are_left_out(name: str) -> None:
    assert not is_site_file(PurePosixPath(name))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (*PACKAGED, *LEFT_OUT, *AT_TOP):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "own-env" / "lib").mkdir(parents=True)
    (tmp_path / "own-env" / "pyvenv.cfg").write_text("")
    (tmp_path / "own-env" / "lib" / "module.py").write_text("")
    return tmp_path


def test_without_git_all_folders_except_environments_are_searched(project: Path) -> None:
    selection = select_files(project)

    assert list(map(str, selection.packaged)) == sorted(PACKAGED)
    # Nothing tells what is the site's own of the files at the top.
    assert set(selection.left_out_at_top) >= set(AT_TOP)
    assert len(select_files(project, ["prices.json"]).packaged) == len(PACKAGED) + 1


def test_tracked_files_beside_manage_py_are_packaged_or_named(project: Path) -> None:
    write(project, {".gitignore": "/rates.json\n/data/\n/server.pem\n/shop/server.pem\n"})
    write(project, {"rates.json": "", "data/rates.csv": "", "notes.json": "", "certificates/a.pem": ""})
    git(project, "init", "-q")
    names = ["manage.py", *AT_TOP, "README.md", "LICENSE", "uv.lock", "pyproject.toml", "zappa_settings.json"]
    git(project, "add", *names, ".env.production", "db.sqlite3", "certificates")

    selection = select_files(project)

    assert list(map(str, selection.packaged)) == sorted(["manage.py", *AT_TOP])
    assert selection.left_out_at_top == (".env.production", "db.sqlite3", "pyproject.toml")
    assert selection.left_out == {".pem": 1}
    assert selection.ignored == ("data/", "rates.json", "server.pem", "shop/server.pem")
    assert {"notes.json", ".env", "shop/.env", "shop/upload.keystore"} <= set(selection.untracked)


def test_with_git_only_tracked_files_are_packaged_and_the_others_are_named(project: Path) -> None:
    git(project, "init", "-q")
    (project / ".git" / "hooks" / "x.py").unlink()
    git(project, "add", "manage.py", "lambdas", "shop/locale")
    (project / "shop" / "locale" / "de" / "LC_MESSAGES" / "django.mo").unlink()
    git(project, "init", "-q", "libs/shared")

    selection = select_files(project)

    assert list(map(str, selection.packaged)) == ["lambdas/worker.py", "manage.py"]
    assert set(selection.untracked) == {
        *("django_app/shop/views.py", "django_app/shop/templates/shop/home.html", "libs/shared/", *AT_TOP),
        *(name for name in LEFT_OUT if is_secret(PurePosixPath(name))),
    }
    assert selection.missing == ("shop/locale/de/LC_MESSAGES/django.mo",)


def test_files_that_are_left_out_are_counted_by_kind(project: Path) -> None:
    left_out = select_files(project).left_out

    assert left_out["tests/"] == left_out[".sqlite3"] == 1
    assert left_out[".pem"] == left_out[".PEM"] == 1
    assert left_out["infra/"] == 1
    assert ".toml" not in left_out  # Files at the top are named.


def test_files_that_a_stage_includes_are_always_packaged(project: Path) -> None:
    (project / ".gitignore").write_text("/shop/static/dist/\n/shop/cache/\n")
    git(project, "init", "-q")
    (project / ".git" / "hooks" / "x.py").unlink()
    git(project, "add", "manage.py", "shop/server.pem")
    for name in ("shop/static/dist/site.js", "shop/cache/page.html"):
        (project / name).parent.mkdir(parents=True)
        (project / name).touch()

    usual = select_files(project)
    asked = select_files(project, ["shop/*.pem", "shop/static/dist/*"])

    assert list(map(str, usual.packaged)) == ["manage.py"]
    assert usual.ignored == ("shop/cache/", "shop/static/")
    assert list(map(str, asked.packaged)) == ["manage.py", "shop/server.pem", "shop/static/dist/site.js"]
    assert asked.ignored == ("shop/cache/",)


def test_a_folder_without_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("")

    with pytest.raises(
        PackageFailed, match=r"has no files to package\. Run the command in the project's folder"
    ):
        select_files(tmp_path)


def test_a_repository_of_another_owner_is_an_error_with_gits_words(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packaged(repository) == ["shop/views.py"]
    if os.geteuid() == 0:
        os.chown(repository, 12345, 12345)
    else:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(PackageFailed) as caught:
        select_files(repository)

    message = str(caught.value)
    assert message.startswith(f"The package was not built. {repository} is a git repository, but git failed:")
    assert "detected dubious ownership in repository" in message
    assert "git config --global --add safe.directory" in message


@pytest.mark.parametrize("below", ["", "shop"])
def test_a_repository_without_a_git_command_is_an_error(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PackageFailed, match=r"but git can't be started \(No such file .*Install git, or do"):
        select_files(repository / below)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (".git/HEAD", "not a git repository"),
        (".git/config", "bad config line"),
        (".git/index", "index file smaller than expected"),
    ],
)
def test_a_broken_repository_is_an_error(repository: Path, broken: str, words: str) -> None:
    (repository / broken).write_text("[broken")

    with pytest.raises(PackageFailed, match=words):
        select_files(repository)


@pytest.mark.parametrize("target", ["nowhere", ".git"])
def test_a_repository_that_is_out_of_reach_is_an_error(repository: Path, target: str) -> None:
    (repository / ".git").rename(repository.parent / "elsewhere")
    (repository / ".git").symlink_to(target)

    with pytest.raises(PackageFailed, match="site is a git repository, but git failed: fatal: "):
        select_files(repository)


def test_what_this_user_cannot_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    with tempfile.TemporaryDirectory() as temporary, another_user(Path(temporary)):
        root = Path(temporary) / "site"
        write(root, {"shop/views.py": "", "shop/prices.csv": "", "shop/data/more.csv": "", ".git/HEAD": ""})
        (root / ".git").chmod(0)
        with pytest.raises(PackageFailed, match="site is a git repository, but git failed: fatal: "):
            select_files(root)
        (root / ".git").chmod(0o700)
        (root / ".git").rename(root.parent / "elsewhere")

        for name, mode in (("shop/prices.csv", 0o600), ("shop/data", 0o700)):
            (root / name).chmod(0)
            with pytest.raises(PackageFailed) as caught:
                select_files(root)
            assert f"{name} can't be read (Permission denied). Let this user read it." in str(caught.value)
            (root / name).chmod(mode)
        assert len(packaged(root)) == 3


@contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """Give `folder` to a user who can't read everything, and be that user. No rule applies to root."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_broken_repository_is_not_replaced_by_one_around_it(repository: Path) -> None:
    git(repository.parent, "init", "-q")
    git(repository.parent, "add", "-f", "site/shop/local_settings.py")
    (repository / ".git" / "HEAD").unlink()

    with pytest.raises(PackageFailed, match="site is a git repository, but git failed: fatal: not a git"):
        select_files(repository)


def test_files_that_the_rules_for_ignoring_name_are_told_if_they_are_packaged(repository: Path) -> None:
    git(repository, "add", "-f", "shop/local_settings.py")
    write(repository, {"shop/other.py": "", "shop/shared.py": ""})
    git(repository, "add", "shop")
    git(repository, "update-index", "--skip-worktree", "shop/other.py")
    git(repository, "update-index", "--assume-unchanged", "shop/shared.py")

    selection = select_files(repository, ["shop/*.csv"])

    assert selection.ignored_but_packaged == ("shop/customers.csv", "shop/local_settings.py")
    assert selection.overlooked == ("shop/other.py", "shop/shared.py")
    assert select_files(repository).ignored_but_packaged == ("shop/local_settings.py",)


def test_conflicts_of_a_merge_are_not_packaged(repository: Path) -> None:
    git(repository, *AUTHOR, "commit", "-q", "-m", "x")
    for branch in ("one", "two"):
        git(repository, "checkout", "-q", "-b", branch, "HEAD" if branch == "one" else "HEAD~")
        write(repository, {"shop/views.py": branch})
        git(repository, *AUTHOR, "commit", "-q", "-a", "-m", branch)
    subprocess.run(["git", *AUTHOR, "merge", "-q", "one"], cwd=repository, check=False, capture_output=True)  # noqa: S607

    with pytest.raises(PackageFailed, match=r"shop/views\.py has conflicts of a merge\. Resolve them, then"):
        select_files(repository)


def test_pipes_and_sockets_are_not_packaged(repository: Path) -> None:
    os.mkfifo(repository / "shop" / "pipe")
    (repository / ".git").rename(repository.parent / "elsewhere")

    assert "shop/pipe" not in {*packaged(repository), *select_files(repository).missing}


def test_the_repository_of_a_hook_is_not_asked(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))

    assert packaged(repository) == ["shop/views.py"]


def test_a_repository_that_only_a_variable_names_is_asked(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".git").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    assert packaged(repository) == ["shop/views.py"]


def test_without_a_repository_neither_git_nor_its_rules_are_needed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".git").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("PATH", str(tmp_path))

    selection = select_files(repository)

    assert list(map(str, selection.packaged)) == [
        *("shop/customers.csv", "shop/local_settings.py", "shop/views.py")
    ]
    assert not selection.in_repository


def test_the_files_of_a_submodule_are_packaged(repository: Path, tmp_path: Path) -> None:
    write(tmp_path / "library", {"shared/prices.py": "", "shared/prices.csv": "", ".gitignore": "*.csv\n"})
    git(tmp_path / "library", "init", "-q")
    git(tmp_path / "library", "add", ".")
    git(tmp_path / "library", *AUTHOR, "commit", "-q", "-m", "x")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "libs")
    (repository / "libs" / "shared" / "more.csv").touch()
    git(repository, *AUTHOR, "commit", "-q", "-m", "x")

    assert packaged(repository) == ["libs/shared/prices.py", "shop/views.py"]

    git(tmp_path, "clone", "-q", "site", "clone")
    with pytest.raises(PackageFailed, match=r"submodule libs are not there\. Get them with git submodule"):
        select_files(tmp_path / "clone")
    assert packaged(tmp_path / "clone", exclude=["libs"]) == ["shop/views.py"]


def test_other_repositories_that_git_tracks_are_packaged_or_refused(repository: Path, tmp_path: Path) -> None:
    write(repository, {"libs/prices.py": "", "libs/prices.csv": "", "libs/.gitignore": "*.csv\n"})
    git(repository / "libs", "init", "-q")
    git(repository / "libs", "add", ".")
    git(repository / "libs", *AUTHOR, "commit", "-q", "-m", "x")
    git(repository, "-c", "advice.addEmbeddedRepo=false", "add", "libs")

    assert packaged(repository) == ["libs/prices.py", "shop/views.py"]

    (repository / "libs" / ".git").rename(tmp_path / "moved")
    (repository / "libs" / ".git").write_text("gitdir: ../../gone\n")
    with pytest.raises(PackageFailed, match="site/libs is a git repository, but git failed: fatal: not a"):
        select_files(repository)


def test_a_pointer_of_git_lfs_and_a_name_that_is_not_utf8_are_refused(repository: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    write(repository, {"shop/logo.png": pointer})
    git(repository, "add", "shop/logo.png")

    with pytest.raises(PackageFailed, match=r"shop/logo\.png is a pointer of Git LFS.*git lfs pull"):
        select_files(repository)

    (repository / "shop" / "logo.png").write_text("a picture")
    (repository / "shop" / os.fsdecode(b"caf\xe9.txt")).touch()
    git(repository, "add", ".")
    with pytest.raises(PackageFailed, match=r"The name of 'shop/caf\\udce9\.txt' isn't UTF-8"):
        select_files(repository)


AUTHOR = ("-c", "user.name=of-the-tests", "-c", "user.email=of@the.tests")
