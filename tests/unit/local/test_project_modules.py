"""Which modules functions run on this machine."""

import os
import sys
from pathlib import Path

import pytest

from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.lambda_.deployed_code import DeployedCode
from django_offload.local.lambda_.project_modules import (
    handler_roots,
    import_error,
    is_own_module,
    source_roots,
)

from .fakes import function


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a package, a module, a folder without __init__ and one that is named as a library."""
    for file in (
        *("shop/__init__.py", "shop/orders/handlers.py", "single.py", "plain/handlers.py"),
        *("boto3/data.txt", "pty.py", "os/__init__.py", "env/site-packages/tool.py", "requests/mine.py"),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


@pytest.mark.parametrize("module", ["shop", "shop.orders.handlers", "single", "plain.handlers"])
def test_a_module_of_the_project_is_its_own(project: Path, module: str) -> None:
    assert is_own_module(module, [str(project)])


@pytest.mark.parametrize(
    "module",
    [
        # The standard library, also where the project has a file of that name.
        *("pty", "os", "os.path", "subprocess", "code", "builtins", "posix", "test.support", "ctypes.util"),
        # Installed packages, also where the project has a folder of that name.
        *(
            "boto3",
            "boto3.session",
            "requests.mine",
            "requests.api",
            "pip._internal",
            "django.core.management",
        ),
        *(
            "env.site-packages.tool",
            "__main__",
            "nothing",
            "shop.nothing",
            "single.more",
            "plain",
            "shop.orders",
        ),
        *("", ".", "..", "shop.", ".shop", "shop..orders", "../shop", "/etc/passwd", "\0", "shop\n"),
    ],
)
def test_every_other_module_is_not(project: Path, module: str) -> None:
    assert not is_own_module(module, [str(project)])


def test_an_environment_inside_of_the_project_is_not_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = project / ".venv" / "site"
    packages.mkdir(parents=True)
    (packages / "library.py").touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])

    assert not is_own_module("library", [str(project)])


def test_the_error_is_lambdas_and_says_what_to_do(project: Path) -> None:
    outcome = import_error("pty.spawn", [str(project)])

    assert outcome is not None
    assert outcome.failed
    assert outcome.error == (
        "Runtime.ImportModuleError: Unable to import module 'pty': it isn't in the folders of the project or "
        "of the function's package, and on this machine functions run no other modules. Correct the "
        "function's Handler, or add the module to the project."
    )
    assert import_error("shop/orders/handlers.run", [str(project)]) is None


@pytest.mark.parametrize("handler", ["handler", "", "."])
def test_a_handler_without_a_module_is_an_error(project: Path, handler: str) -> None:
    assert import_error(handler, [str(project)]) is not None


@pytest.mark.parametrize("module", ["worker", "sweeper", "dead_letter", "web", "migrate"])
def test_the_shipped_handlers_run_from_the_working_tree(module: str) -> None:
    assert import_error(f"lambdas.{module}.handler", handler_roots(function())) is None


@pytest.mark.parametrize(
    ("deployed", "roots"),
    [
        ("", []),
        ("/var/task", [""]),
        ("/var/task/src:/var/task", ["src", ""]),
        ("/tmp/evil:/var/task/src", ["src"]),
        ("/var/task/../../tmp/evil", []),
        ("/var/tasks", []),
        ("/tmp/var/task/src", []),
        ("/var/task/a/../b", ["b"]),
        ("relative:.", []),
    ],
)
def test_only_folders_of_the_package_are_imported_from(
    tmp_path: Path, deployed: str, roots: list[str]
) -> None:
    code = tmp_path / "code"

    path = DeployedCode(tmp_path, MotoServer()).python_path(code, deployed).split(os.pathsep)

    assert path == [*(str(code / root) for root in roots), str(code), str(tmp_path / "runtime")]


def test_a_package_runs_its_own_modules_and_not_the_runtimes(project: Path, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "awslambdaric.py").touch()
    deployed = function(
        code=project / "shop", python_path=os.pathsep.join([str(project / "shop"), str(runtime)])
    )

    roots = handler_roots(deployed)

    assert roots == [str(project / "shop")]
    assert is_own_module("orders.handlers", roots)
    assert not is_own_module("awslambdaric", roots)
    assert not is_own_module("single", roots)


def test_source_roots_are_the_projects_own() -> None:
    roots = source_roots()

    assert any((Path(root) / "django_offload").is_dir() for root in roots)
    assert not any("site-packages" in root or root == os.path.dirname(os.__file__) for root in roots)
