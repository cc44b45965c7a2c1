"""Run a package as Lambda does, unzipped in an empty folder, with nothing else but boto3."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

_PROGRAM = """
import json, sys
task, runtime = sys.argv[1:3]
sys.path[:0] = [task + "/django_app", task, runtime]
{body}
"""


def unzip(package: Path, folder: Path) -> Path:
    """Unpack a package into `folder`, which must be new."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def run(task: Path, runtime: Path, body: str, *, python: str | None = None, **environment: str) -> Any:
    """Run a program with only the package and the runtime. Return the last line that it prints, as JSON."""
    flags = ("-I", "-S", "-B", "-c", _PROGRAM.format(body=body))
    ran = subprocess.run(
        [python or sys._base_executable, *flags, str(task), str(runtime)],
        cwd=task,
        env={
            "PATH": os.defpath,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "LAMBDA_TASK_ROOT": str(task),
            "SECRET_KEY": "of-the-tests",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])
