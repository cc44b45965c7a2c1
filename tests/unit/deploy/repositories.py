"""Small repositories, as the real git makes them."""

import subprocess
from pathlib import Path

from django_offload.deploy.package.sources import select_files


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)  # noqa: S607


def packaged(root: Path, exclude: tuple[str, ...] | list[str] = ()) -> list[str]:
    return list(map(str, select_files(root, exclude=exclude).packaged))


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
