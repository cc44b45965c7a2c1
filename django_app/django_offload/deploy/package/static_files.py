"""Collect the static files, with the names that the deployed settings give them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ...stack.stage_environment import StageEnvironment
from ..environment import ANY_FUNCTION, FunctionFacts, last_error, package_environment, run_python
from ..errors import PackageFailed

_PROGRAM = """
import json
import sys
from importlib.util import find_spec
from pathlib import Path
import django
from django.conf import settings
given = json.loads(sys.stdin.read())
django.setup()
if not settings.STATIC_ROOT or "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
    raise SystemExit(3)
copy = Path.cwd().resolve()
if not Path(settings.STATIC_ROOT).resolve().is_relative_to(copy):
    print(settings.STATIC_ROOT)
    raise SystemExit(4)
from django.contrib.staticfiles.finders import FileSystemFinder, get_finders
from django.core.management import call_command
if find_spec("django_offload") is None:  # Its folder may be in the caller's PYTHONPATH alone.
    sys.path.append(given["library"])
from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.static_sources import StaticSources
sources = StaticSources(Path(given["root"]), given["packaged"])
finders = list(get_finders())
sources.restrict(finders, copy)
try:
    call_command("collectstatic", interactive=False, verbosity=0)
except PackageFailed as exc:
    print(str(exc).removeprefix("The package was not built. "))
    raise SystemExit(5)
other_host = settings.STATIC_URL.startswith(("http:", "https:", "//"))
print(json.dumps({
    "folder": str(settings.STATIC_ROOT),
    "served": other_host or "whitenoise" in str(settings.MIDDLEWARE).lower(),
    "left_out": list(sources.left_out),
    "lacking": [
        Path(folder).resolve().relative_to(copy).as_posix()
        for finder in finders if isinstance(finder, FileSystemFinder)
        for _, folder in finder.locations
        if Path(folder).resolve().is_relative_to(copy) and not Path(folder).is_dir()
    ],
}))
"""
_LIBRARY = str(Path(__file__).parents[3])
_NONE_CONFIGURED, _OUTSIDE, _NO_GIT = 3, 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The static files in the package."""

    folder: Path
    served: bool  # By WhiteNoise, or by another host. Nothing else can serve them in a function.
    left_out: tuple[str, ...] = ()  # Files that the settings lead to, but that git doesn't track.
    lacking: tuple[str, ...] = ()  # Folders of STATICFILES_DIRS that the package doesn't have.

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
    *,
    root: Path | None = None,
    packaged: Collection[str] = (),
) -> Collected | None:
    """
    Run collectstatic in the project's copy in `folder`, with debug mode off.

    The settings may lead to the project's own folder `root`. Of that, only what is `packaged` is collected.
    Return None if the settings have no STATIC_ROOT. Raise PackageFailed if collectstatic fails, if git can't
    be asked, or if STATIC_ROOT is outside of the project.
    """
    environ = package_environment(folder, settings_module, source_root, stage_environment, function)
    given = {"root": str(root or folder), "packaged": list(packaged), "library": _LIBRARY}
    process = run_python(_PROGRAM, folder, environ, json.dumps(given))
    # The settings may have printed something before the last line.
    printed = process.stdout.strip().splitlines()
    if process.returncode == _NONE_CONFIGURED:
        return None
    if process.returncode == _OUTSIDE:
        raise PackageFailed(
            f"STATIC_ROOT is {printed[-1]}, outside of the project.",
            "Set it to BASE_DIR / 'staticfiles', so that the files are beside the code on Lambda too.",
        )
    if process.returncode == _NO_GIT:
        raise PackageFailed("The settings lead to static files in another repository.", printed[-1])
    if process.returncode != 0:
        raise PackageFailed(
            f"Collecting the static files failed: {last_error(process).rstrip('.')}.",
            "Run manage.py collectstatic with DEBUG=0 and the variables of the stage's file, and correct the "
            "errors. If the settings don't accept the placeholder of a secret, set that variable for this "
            "command.",
        )
    answer = json.loads(printed[-1])
    return Collected(
        folder=Path(answer["folder"]),
        served=answer["served"],
        left_out=tuple(answer["left_out"]),
        lacking=tuple(answer["lacking"]),
    )
