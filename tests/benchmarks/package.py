"""The package that functions run from, unzipped into an empty folder as on Lambda."""

import compileall
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django_offload.definition.registry import LISTING
from django_offload.local.lambda_.deployed_code import RUNTIME_CLIENT_PACKAGES, isolated_python, link_runtime
from tests.benchmarks.cold_start import COLD, IndexEntry
from tests.benchmarks.processes import ROOT, clean_environment

LISTS = """
import django
django.setup()
from django_offload.definition.registry import listing_text
print(listing_text())
"""
# What a function of the benchmarks has beside the package.
BESIDE = ("site.py", "tasks.py")
# Zappa's own modules, which its handler in the package imports; and what they need.
OF_ZAPPA = ("zappa", "werkzeug", "markupsafe", "durationpy")


@contextmanager
def unzipped(python: str) -> Iterator[IndexEntry]:
    """Build the package, and yield where it is unzipped."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        archive, task, beside = (Path(folder, name) for name in ("package.zip", "task", "beside"))
        command = [
            sys.executable,
            "django_app/manage.py",
            "offload_package",
            "--output",
            str(archive),
            "--json",
        ]
        environment = clean_environment(DJANGO_SETTINGS_MODULE="config.settings")
        said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if said.returncode != 0:
            raise ChildProcessError(f"make package failed: mend what it says.\n{said.stdout}{said.stderr}")
        with zipfile.ZipFile(json.loads(said.stdout)["path"]) as package:
            package.extractall(task)
        _put_beside(beside, Path(python).parents[1])
        _list_tasks(task, python)
        link_runtime(Path(folder, "runtime"), *RUNTIME_CLIENT_PACKAGES)
        paths = [task / "django_app", task, Path(folder, "runtime"), beside, beside / "cold"]
        yield IndexEntry(
            command=tuple(isolated_python()),
            folder=task,
            python_path=os.pathsep.join(str(path) for path in paths),
        )


def _list_tasks(task: Path, python: str) -> None:
    """Have the package list the task of the benchmarks, as one of their own would."""
    environment = clean_environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.site")
    done = subprocess.run(
        [python, "-c", LISTS], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    (task / LISTING).write_text(done.stdout)


def _put_beside(folder: Path, environment: Path) -> None:
    """Put the benchmarks' own modules and Zappa's beside the package, compiled."""
    target = folder / "tests" / "benchmarks"
    target.mkdir(parents=True)
    for name in BESIDE:
        shutil.copy(Path(__file__).with_name(name), target)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(COLD, folder / "cold", ignore=ignored)
    for name in OF_ZAPPA:
        (found,) = environment.glob(f"lib/python*/site-packages/{name}")
        shutil.copytree(found, folder / name, ignore=ignored)
    compileall.compile_dir(folder, quiet=1)
