"""The layers are held by import-linter, whose contracts stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT


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
