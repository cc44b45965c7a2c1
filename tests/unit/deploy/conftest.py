"""What several tests of deployments start from."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy import stage_checks
from django_offload.stack.layout import Layout

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


ZAPPA = {
    "dev": {
        "project_name": "shop-web",
        "apigateway_enabled": False,
        "function_url_enabled": True,
        "keep_warm": False,
    }
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Any) -> Any:
    """Return a function that writes the files of a project, and makes it the current one."""
    monkeypatch.setattr(
        stage_checks, "layout", lambda: Layout(root=tmp_path, source=tmp_path, settings_module="of_the_shop")
    )
    monkeypatch.delenv("OFFLOAD_STAGE", raising=False)

    def write(zappa: Any = ZAPPA, **stages: Any) -> Path:
        (tmp_path / "zappa_settings.json").write_text(json.dumps(zappa))
        (tmp_path / "infra").mkdir(exist_ok=True)
        for name, content in stages.items():
            (tmp_path / "infra" / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write
