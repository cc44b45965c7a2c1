"""The zip file of a package."""

import os
import sys
import zipfile
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed, PackageTooLarge
from django_offload.deploy.package import archive, bytecode

PYTHON = "{}.{}".format(*sys.version_info[:2])


def folder(path: Path, *, mtime: int, mode: int) -> Path:
    (path / "shop").mkdir(parents=True)
    for name in ("b.py", "shop/a.py", "shop/native.so"):
        (path / name).write_text(f"{name!r}\nNAMES = {{'x', 'y', 'z'}} and 'x' in {{'p', 'q', 'r'}}\n")
        (path / name).chmod(mode)
        os.utime(path / name, (mtime, mtime))
    return path


def test_times_and_modes_of_files_do_not_change_the_archive(tmp_path: Path) -> None:
    archives = [
        archive.write(folder(tmp_path / str(n), mtime=n * 10**8, mode=mode), tmp_path / f"{n}.zip")
        for n, mode in ((1, 0o600), (2, 0o755))
    ]

    assert archives[0].sha256 == archives[1].sha256
    with zipfile.ZipFile(archives[0].path) as opened:
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}
    assert modes == {"b.py": 0o100644, "shop/a.py": 0o100644, "shop/native.so": 0o100755}


def test_programs_are_executable_by_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "ffmpeg").write_bytes(b"\x7fELF" + bytes(60))
    (tmp_path / "task" / "notes").write_bytes(b"ELF")

    written = archive.write(tmp_path / "task", tmp_path / "x.zip")

    with zipfile.ZipFile(written.path) as opened:
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}
    assert modes == {"ffmpeg": 0o100755, "notes": 0o100644}


@pytest.mark.parametrize(
    ("head", "machine"),
    [
        (b"\x7fELF" + bytes(14) + b"\x3e\x00", "x86_64"),
        (b"\xcf\xfa\xed\xfe" + bytes(14) + b"\x3e\x00", None),  # macOS.
        (b"", None),
    ],
)
def test_machine_of_knows_what_linux_runs(head: bytes, machine: str | None) -> None:
    assert archive.machine_of(head) == machine


def test_a_package_larger_than_lambdas_limit_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST_UNZIPPED", 100)

    with pytest.raises(PackageTooLarge, match="Lambda accepts at most 0 MiB"):
        archive.write(folder(tmp_path / "large", mtime=1, mode=0o600), tmp_path / "large.zip")

    assert not (tmp_path / "large.zip").exists()


def test_a_file_that_is_not_a_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no zip")

    with pytest.raises(PackageFailed, match=r"Build one with manage\.py offload_package"):
        archive.read_archive(tmp_path / "x.zip")


@pytest.mark.parametrize(("machine", "architecture"), [(62, "x86_64"), (183, "arm64")])
def test_read_archive_finds_runtime_and_architecture(tmp_path: Path, machine: int, architecture: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as package:
        package.writestr("shop/__pycache__/a.cpython-312.pyc", b"")
        head = b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little")
        package.writestr("shop/native.cpython-312-of-some.so", head)

    package = archive.read_archive(tmp_path / "x.zip")

    assert (package.runtime, package.architecture) == ("python3.12", architecture)


def test_a_package_with_only_source_fits_every_runtime(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as package:
        package.writestr("shop/a.py", b"")

    package = archive.read_archive(tmp_path / "x.zip")

    assert (package.runtime, package.architecture) == (None, None)


def test_bytecode_has_lambdas_paths_and_is_never_compared_with_its_source(tmp_path: Path) -> None:
    task = folder(tmp_path / "task", mtime=1, mode=0o644)

    bytecode.compile_all(task, PYTHON)

    (compiled,) = (task / "shop" / "__pycache__").iterdir()
    data = compiled.read_bytes()
    # Bit 0: by hash; bit 1: checked. https://peps.python.org/pep-0552/
    assert int.from_bytes(data[4:8], "little") == 0b01
    assert b"/var/task/shop/a.py" in data
    assert str(tmp_path).encode() not in data


def test_uncompiled_names_a_module_with_wrong_syntax(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (:\n")

    bytecode.compile_all(tmp_path, PYTHON)

    assert bytecode.uncompiled(tmp_path) == ["broken.py"]
