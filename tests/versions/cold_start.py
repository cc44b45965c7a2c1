"""
Measure the start of a worker on each version of Django, up to the moment when it can take a message.

    make cold-start
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = (".venv", ".venv-6.0", ".venv-5.2")
ROUNDS = 9
PROGRAM = """
import lambdas.worker
import sys, django
print(django.get_version(), "%d.%d" % sys.version_info[:2], len(sys.modules))
"""
VARIABLES = {
    "PYTHONPATH": f"{ROOT / 'django_app'}{os.pathsep}{ROOT}",
    "DJANGO_SETTINGS_MODULE": "tests.unit.worker.start_site.settings",
    # As Lambda sets them.
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "of-tests-only",
    "AWS_SECRET_ACCESS_KEY": "of-tests-only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What one start took, in seconds of CPU, and what it loaded."""

    cpu: float
    django: str
    python: str
    modules: int


def start(environment: str) -> Start:
    """Start a worker's process with the Python of an environment."""
    process = subprocess.Popen(
        [ROOT / environment / "bin" / "python", "-c", PROGRAM],
        cwd=ROOT,
        env=VARIABLES,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    django, python, modules = process.stdout.read().split()
    process.stdout.close()
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return Start(cpu=used.ru_utime + used.ru_stime, django=django, python=python, modules=int(modules))


def main() -> int:
    """Print the fastest of some starts on each version, which alternate."""
    rounds = [[start(environment) for environment in ENVIRONMENTS] for _ in range(ROUNDS)]
    print("| Django | Python | CPU of a worker's start, ms | modules |\n|---|---|---|---|")
    for starts in zip(*rounds, strict=True):
        best = min(starts, key=lambda one: one.cpu)
        print(f"| {best.django} | {best.python} | {1000 * best.cpu:.0f} | {best.modules} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
