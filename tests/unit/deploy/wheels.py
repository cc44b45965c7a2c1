"""Small wheels and projects, which the real pip installs and builds without a network."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_BACKEND = """
import sys
sys.path.insert(0, {here!r})
from wheels import write_wheel

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return write_wheel(folder, {name!r}, {files!r}, requires={requires!r}).name

build_editable = build_wheel
"""


def write_wheel(
    folder: Path | str,
    name: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    version: str = "1.0",
    requires: Sequence[str] = (),
    top_level: bool = True,
) -> Path:
    """Write a wheel, by default with one module of its name. Newer build tools write no top_level.txt."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    extras = {extra for one in requires for extra in re.findall(r"extra == '(\w+)'", one)}
    lines = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {one}" for one in requires),
        *(f"Provides-Extra: {extra}" for extra in sorted(extras)),
    ]
    held: dict[str, str | bytes] = {
        **({f"{module}.py": ""} if files is None else files),
        f"{info}/METADATA": "\n".join([*lines, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **({f"{info}/top_level.txt": f"{module}\n"} if top_level else {}),
    }
    path = Path(folder) / f"{module}-{version}-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in held.items():
            wheel.writestr(file, content)
        wheel.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*held, f"{info}/RECORD"]))
    return path


def write_project(
    folder: Path, name: str, files: Mapping[str, str | bytes] | None = None, requires: Sequence[str] = ()
) -> Path:
    """Write a project that pip builds with a backend of its own, so that it needs no setuptools."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "own_backend"\nbackend-path = ["."]\n'
    )
    here = str(Path(__file__).parent)
    (folder / "own_backend.py").write_text(
        _BACKEND.format(here=here, name=name, files=files, requires=list(requires))
    )
    return folder
