"""The layers are held by import-linter, whose contracts stand in pyproject.toml."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import LIBRARY, ROOT, modules, shown, tree

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [set(re.findall(r"\w+", line)) for line in CONTRACTS[0]["layers"]]
# What a text can name for Django to import, as settings and defaults do.
PATH = re.compile(r"django_offload((?:\.\w+)+)")


def level(module: str) -> int:
    """Return the line of the layers that a package or module at the top of the library is on."""
    return next(number for number, names in enumerate(LAYERS) if module in names)


def named_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line of each text in a module that names another module of the library, and that module."""
    for node in ast.walk(tree(path)):
        match = isinstance(node, ast.Constant) and isinstance(node.value, str) and PATH.fullmatch(node.value)
        if match:
            first, *rest = match[1].split(".")[1:]
            if not rest and (LIBRARY / first / "apps.py").is_file():
                continue  # An app's name is looked for in INSTALLED_APPS: it imports nothing.
            if (LIBRARY / first).is_dir() or (LIBRARY / f"{first}.py").is_file():
                yield node.lineno, first


def test_every_contract_of_import_linter_is_kept():
    lint_imports = Path(sys.executable).parent / "lint-imports"

    process = subprocess.run(
        [lint_imports, "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": "django_app:.", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 0, process.stdout + process.stderr


def test_no_text_points_upward_where_import_linter_cannot_see_it():
    upward = [
        f"{shown(path)}:{line} names {named}"
        for path in modules(LIBRARY)
        if (home := path.relative_to(LIBRARY).parts[0].removesuffix(".py")) != "__init__"
        for line, named in named_modules(path)
        if level(named) < level(home)
    ]

    assert not upward, f"Give these a place below: {upward}"


def test_there_are_at_most_sixteen_layers():
    assert len(LAYERS) <= 16


def test_the_top_of_the_package_holds_doors_and_errors_alone():
    assert len(list(LIBRARY.glob("*.py"))) <= 11
