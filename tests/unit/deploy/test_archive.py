"""The zip: the same bytes for the same files."""

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


def test_time_and_rights_do_not_change_it(tmp_path: Path) -> None:
    made = [
        archive.write(folder(tmp_path / str(n), mtime=n * 10**8, mode=mode), tmp_path / f"{n}.zip")
        for n, mode in ((1, 0o600), (2, 0o755))
    ]

    assert made[0].sha256 == made[1].sha256
    with zipfile.ZipFile(made[0].path) as opened:
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}
    assert modes == {"b.py": 0o100644, "shop/a.py": 0o100644, "shop/native.so": 0o100755}


def test_what_lambda_would_refuse_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_UNZIPPED", 100)

    with pytest.raises(PackageTooLarge, match="Lambda accepts at most 0 MiB"):
        archive.write(folder(tmp_path / "large", mtime=1, mode=0o600), tmp_path / "large.zip")

    assert not (tmp_path / "large.zip").exists()


def test_what_is_no_package_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no zip")

    with pytest.raises(PackageFailed, match=r"Build one with manage\.py offload_package"):
        archive.read_archive(tmp_path / "x.zip")


@pytest.mark.parametrize(("machine", "architecture"), [(62, "x86_64"), (183, "arm64")])
def test_what_a_package_was_built_for_is_read_from_it(
    tmp_path: Path, machine: int, architecture: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("shop/__pycache__/a.cpython-312.pyc", b"")
        head = b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little")
        made.writestr("shop/native.cpython-312-of-some.so", head)

    found = archive.read_archive(tmp_path / "x.zip")

    assert (found.runtime, found.architecture) == ("python3.12", architecture)


def test_a_package_of_source_alone_is_for_any(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("shop/a.py", b"")

    found = archive.read_archive(tmp_path / "x.zip")

    assert (found.runtime, found.architecture) == (None, None)


def test_bytecode_names_no_folder_of_this_machine_and_is_never_compared(tmp_path: Path) -> None:
    task = folder(tmp_path / "task", mtime=1, mode=0o644)

    bytecode.compile_all(task, PYTHON)

    (compiled,) = (task / "shop" / "__pycache__").iterdir()
    data = compiled.read_bytes()
    # Bit 0: by hash; bit 1: checked. https://peps.python.org/pep-0552/
    assert int.from_bytes(data[4:8], "little") == 0b01
    assert b"/var/task/shop/a.py" in data
    assert str(tmp_path).encode() not in data


def test_a_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (:\n")

    bytecode.compile_all(tmp_path, PYTHON)

    assert bytecode.uncompiled(tmp_path) == ["broken.py"]
