"""The project's files that are packaged."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.sources import is_site_file, select_files, untracked_modules

PACKAGED = [
    "manage.py",
    "django_app/shop/views.py",
    "django_app/shop/templates/shop/home.html",
    "lambdas/worker.py",
    "shop/locale/de/LC_MESSAGES/django.mo",
]
LEFT_OUT = [
    "README.md",
    "pyproject.toml",
    ".env",
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


@pytest.mark.parametrize("name", PACKAGED)
def test_code_and_files_that_it_reads_are_packaged(name: str) -> None:
    assert is_site_file(PurePosixPath(name))


@pytest.mark.parametrize("name", LEFT_OUT)
def test_secrets_data_tests_and_tools_are_left_out(name: str) -> None:
    assert not is_site_file(PurePosixPath(name))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (*PACKAGED, *LEFT_OUT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "own-env" / "lib").mkdir(parents=True)
    (tmp_path / "own-env" / "pyvenv.cfg").write_text("")
    (tmp_path / "own-env" / "lib" / "module.py").write_text("")
    return tmp_path


def test_without_git_all_folders_except_environments_are_searched(project: Path) -> None:
    assert list(map(str, select_files(project).packaged)) == sorted(PACKAGED)


def test_with_git_only_tracked_files_are_packaged_and_untracked_modules_named(project: Path) -> None:
    git(project, "init", "-q")
    (project / ".git" / "hooks" / "x.py").unlink()
    git(project, "add", "manage.py", "lambdas")

    assert list(map(str, select_files(project).packaged)) == ["lambdas/worker.py", "manage.py"]
    assert PurePosixPath("django_app/shop/views.py") in untracked_modules(project)


def test_files_that_are_left_out_are_counted_by_kind(project: Path) -> None:
    left_out = select_files(project).left_out

    assert left_out["tests/"] == left_out[".sqlite3"] == 1
    assert left_out[".pem"] == left_out[".PEM"] == 1
    assert left_out["infra/"] == 1
    assert ".toml" not in left_out  # Nobody expects a file at the top to be part of the site.


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


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)  # noqa: S607
