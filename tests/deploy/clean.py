"""A package as Lambda runs it: unzipped into an empty folder, beside the runtime's own packages and no others."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# What AWS's runtime for Python has beside the package.
OF_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
OF_THE_CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
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


def runtime(folder: Path, *names: str) -> Path:
    """Make `folder` hold the runtime's packages, and nothing else of this environment."""
    folder.mkdir(parents=True)
    for name in (*OF_THE_RUNTIME, *names):
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None, name
        origin = Path(spec.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)
    return folder


def run(task: Path, runtime: Path, body: str, **environment: str) -> Any:
    """Run a program in an interpreter that has the package and the runtime alone; return what it prints last."""
    ran = subprocess.run(
        [sys._base_executable, "-I", "-S", "-B", "-c", _PROGRAM.format(body=body), str(task), str(runtime)],
        cwd=task,
        env={
            "PATH": os.defpath,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "SECRET_KEY": "of-the-tests",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])
