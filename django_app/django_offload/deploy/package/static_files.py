"""Static files, collected with the names that the deployed settings give them."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ...stack.stage_environment import StageEnvironment
from ..environment import of_a_package
from ..errors import PackageFailed

_PROGRAM = """
from pathlib import Path
import django
from django.conf import settings
django.setup()
if not settings.STATIC_ROOT or "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
    raise SystemExit(3)
if not Path(settings.STATIC_ROOT).resolve().is_relative_to(Path.cwd().resolve()):
    print(settings.STATIC_ROOT)
    raise SystemExit(4)
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=0)
elsewhere = settings.STATIC_URL.startswith(("http:", "https:", "//"))
print("served" if elsewhere or "whitenoise" in str(settings.MIDDLEWARE).lower() else "not served")
print(settings.STATIC_ROOT)
"""
_NONE_CONFIGURED, _OUTSIDE = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Static files that are in the package."""

    folder: Path
    served: bool  # By WhiteNoise, or from another host: nothing else would in a function.


def collect(
    folder: Path, settings_module: str, source_root: str, surroundings: StageEnvironment
) -> Collected | None:
    """
    Run collectstatic on the project's copy in `folder`, outside debug mode; return where files are now.

    None where the settings have no STATIC_ROOT. Raise PackageFailed if it fails, or if STATIC_ROOT is
    not a folder of the project.
    """
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=folder,
        env=of_a_package(folder, settings_module, source_root, surroundings),
        capture_output=True,
        text=True,
        check=False,
    )
    said = (ran.stdout.strip() or ran.stderr.strip() or "collectstatic ended without a word").splitlines()[-1]
    if ran.returncode == _NONE_CONFIGURED:
        return None
    if ran.returncode == _OUTSIDE:
        raise PackageFailed(
            f"STATIC_ROOT is {said}, outside the project.",
            "Set it to BASE_DIR / 'staticfiles', so that it lies beside the code on Lambda too.",
        )
    if ran.returncode != 0:
        said = (ran.stderr.strip().splitlines() or [said])[-1]
        raise PackageFailed(
            f"Static files were not collected: {said.rstrip('.')}.",
            "Correct it until manage.py collectstatic runs with DEBUG=0 and the variables of the stage's "
            "file; for a secret that a placeholder cannot stand for, set the variable for this command.",
        )
    return Collected(folder=Path(said), served=ran.stdout.strip().splitlines()[-2] == "served")
