"""The packages that functions were deployed with, and the packages that AWS's runtime adds to them."""

import hashlib
import io
import os
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from ...stack.layout import TASK_ROOT
from ..aws.moto_server import MotoServer

# AWS's Python runtime adds boto3 with its dependencies, and its own runtime client, to every package.
RUNTIME_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
RUNTIME_CLIENT_PACKAGES = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")


class DeployedCode:
    """Unpacks the latest package of each function below a folder, once for each content."""

    def __init__(self, folder: Path, server: MotoServer) -> None:
        self._folder, self._server = folder, server
        link_runtime(folder / "runtime", *RUNTIME_CLIENT_PACKAGES)

    def folder_of(self, function: str) -> Path:
        """Return the folder with the code of a deployed function."""
        package = self._server.package_of(function)
        folder = self._folder / hashlib.sha256(package).hexdigest()[:16]
        if not folder.exists():
            partial_folder = folder.with_suffix(".part")
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                archive.extractall(partial_folder)
            os.replace(partial_folder, folder)
        return folder

    def python_path(self, code: Path, deployed_path: str) -> str:
        """
        Return PYTHONPATH for the unpacked `code`, given the function's PYTHONPATH on Lambda.

        Folders outside of the package are left out, because they name other folders on this machine.
        """
        deployed_roots = [PurePosixPath(os.path.normpath(root)) for root in deployed_path.split(":") if root]
        roots = [
            str(code / root.relative_to(TASK_ROOT))
            for root in deployed_roots
            if root.is_relative_to(TASK_ROOT)
        ]
        return os.pathsep.join([*roots, str(code), str(self._folder / "runtime")])


def isolated_python() -> list[str]:
    """Return the command of a Python that can't import installed packages."""
    return [sys.executable, "-S", "-B"]


def link_runtime(folder: Path, *names: str) -> Path:
    """Fill `folder` with links to the packages of AWS's runtime and to those in `names`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*RUNTIME_PACKAGES, *names):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        if not (folder / target.name).exists():
            (folder / target.name).symlink_to(target)
    return folder
