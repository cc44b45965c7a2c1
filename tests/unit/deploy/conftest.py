"""What several tests of deployments start from."""

import os
from pathlib import Path

import pytest

from .repositories import git, write


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a tracked module and with customer data that git ignores."""
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    root = tmp_path / "site"
    write(root, {"shop/views.py": "", "shop/customers.csv": "", "shop/local_settings.py": ""})
    write(root, {".gitignore": "customers.csv\nlocal_settings.py\n"})
    git(root, "init", "-q")
    git(root, "add", ".")
    return root
