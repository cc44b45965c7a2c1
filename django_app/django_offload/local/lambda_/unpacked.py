"""The code that functions were deployed with, unpacked as on Lambda, and the runtime's own packages."""

import hashlib
import io
import os
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

from ...stack.layout import TASK_ROOT
from ..aws.moto_server import MotoServer

# What AWS's runtime for Python has beside a package: boto3 with what it needs, and the runtime client.
OF_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
OF_THE_CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")


class Unpacked:
    """Unpacks what each function was last deployed with, once per content, below a folder."""

    def __init__(self, folder: Path, server: MotoServer) -> None:
        self._folder, self._server = folder, server
        runtime(folder / "runtime", *OF_THE_CLIENT)

    def code_of(self, name: str) -> Path:
        """Return the folder with the code of a function, which must be deployed."""
        package = self._server.code_of(name)
        folder = self._folder / hashlib.sha256(package).hexdigest()[:16]
        if not folder.exists():
            partly = folder.with_suffix(".part")
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                archive.extractall(partly)
            os.replace(partly, folder)
        return folder

    def python_path(self, code: Path, deployed: str) -> str:
        """Return PYTHONPATH for code in that folder, where on Lambda it is `deployed`."""
        roots = [root.replace(TASK_ROOT, str(code), 1) for root in deployed.split(os.pathsep) if root]
        return os.pathsep.join([*roots, str(code), str(self._folder / "runtime")])


def interpreter() -> list[str]:
    """Return the command of a Python that sees no installed package."""
    return [sys.executable, "-S", "-B"]


def runtime(folder: Path, *names: str) -> Path:
    """Make `folder` hold the packages of AWS's runtime, and those named, and no other."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*OF_THE_RUNTIME, *names):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        if not (folder / place.name).exists():
            (folder / place.name).symlink_to(place)
    return folder
