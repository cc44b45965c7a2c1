"""Failures of pip."""

import sys
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.dependencies import install
from django_offload.stack.parameters import ARCHITECTURES


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("/opt/python: No module named pip", "has no pip. Install it with uv pip install pip"),
        ("ERROR: No matching distribution found for tills", "No matching distribution found for tills"),
    ],
)
def test_a_failure_of_pip_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str, message: str
) -> None:
    (tmp_path / "requirements.txt").write_text("tills\n")
    (tmp_path / "python").write_text(f"#!/bin/sh\necho '{stderr}' >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(PackageFailed) as caught:
        install(
            tmp_path / "requirements.txt",
            tmp_path / "task",
            architecture=ARCHITECTURES[0],
            python="3.13",
            with_boto3=False,
            with_zappa=False,
        )

    assert message in str(caught.value)
    assert ("Correct the requirements" in str(caught.value)) == stderr.startswith("ERROR")
