"""Collect the static files, with the names that the deployed settings give them."""

from dataclasses import dataclass
from pathlib import Path

from ...stack.stage_environment import StageEnvironment
from ..environment import ANY_FUNCTION, FunctionFacts, last_error, package_environment, run_python
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
other_host = settings.STATIC_URL.startswith(("http:", "https:", "//"))
print("served" if other_host or "whitenoise" in str(settings.MIDDLEWARE).lower() else "not served")
print(settings.STATIC_ROOT)
"""
_NONE_CONFIGURED, _OUTSIDE = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The static files in the package."""

    folder: Path
    served: bool  # By WhiteNoise, or by another host. Nothing else can serve them in a function.

    def summary(self) -> str:
        count = sum(path.is_file() for path in self.folder.rglob("*"))
        unserved = "" if self.served else "; nothing serves them, so add WhiteNoise's middleware or a CDN"
        return f"{count} in {self.folder.name}/{unserved}"


def collect(
    folder: Path,
    settings_module: str,
    source_root: str,
    stage_environment: StageEnvironment,
    function: FunctionFacts = ANY_FUNCTION,
) -> Collected | None:
    """
    Run collectstatic in the project's copy in `folder`, with debug mode off.

    Return None if the settings have no STATIC_ROOT. Raise PackageFailed if collectstatic fails, or if
    STATIC_ROOT is outside of the project.
    """
    environ = package_environment(folder, settings_module, source_root, stage_environment, function)
    process = run_python(_PROGRAM, folder, environ)
    printed = process.stdout.strip().splitlines()
    if process.returncode == _NONE_CONFIGURED:
        return None
    if process.returncode == _OUTSIDE:
        raise PackageFailed(
            f"STATIC_ROOT is {printed[-1]}, outside of the project.",
            "Set it to BASE_DIR / 'staticfiles', so that the files are beside the code on Lambda too.",
        )
    if process.returncode != 0:
        raise PackageFailed(
            f"Collecting the static files failed: {last_error(process).rstrip('.')}.",
            "Run manage.py collectstatic with DEBUG=0 and the variables of the stage's file, and correct the "
            "errors. If the settings don't accept the placeholder of a secret, set that variable for this "
            "command.",
        )
    return Collected(folder=Path(printed[-1]), served=printed[-2] == "served")
