"""django-debug-toolbar's Tasks panel over our backends, in a project that has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("backend", ["SQSBackend", "LambdaBackend"])
def test_the_panel_lists_what_a_request_enqueued(backend: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'django_app'}"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    script = ROOT / "tests" / "integration" / "toolbar_site.py"

    ran = subprocess.run(
        [sys.executable, script, backend], env=environment, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "tests.unit.tasks.double default READY [21] {}",
        "tests.unit.tasks.send default READY [1] {}",
        "tests.unit.tasks.send default READY [] {'order': 2}",
        "3 ran",
    ]
