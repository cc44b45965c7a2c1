"""The committed template matches the settings of the reference site."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_template_matches_the_settings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "django", "offload_template", "--check", "infra/template.yaml"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LAB_DATABASE": str(tmp_path / "lab.sqlite3"),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "django_app"), str(ROOT)]),
    }

    checked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")
