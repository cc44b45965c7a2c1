"""The index of a package's modules: they are found by it, and are the same that Python would find."""

import compileall
import json
import marshal
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from django_offload.deploy.package import module_list
from django_offload.worker.start.module_index import FILE

ROOT = Path(__file__).resolve().parents[3]
BEGINS = "from django_offload.worker import module_index; module_index.install()\n"
LOADERS = """
import json, shop
found = {module.__name__: type(module.__spec__.loader).__module__ for module in (shop, shop.orders)}
print(json.dumps(found))
"""
BY_THE_INDEX = "django_offload.worker.start.module_index"


@pytest.fixture
def task(tmp_path):
    """An unpacked package with a source root, compiled as `make package` does it."""
    write(tmp_path / "site" / "shop" / "__init__.py", "from . import orders\n")
    write(tmp_path / "site" / "shop" / "orders.py", "def total():\n    return 'compiled'\n")
    write(tmp_path / "needed" / "__init__.py", "from . import inside\n")
    write(tmp_path / "needed" / "inside" / "__init__.py", "")
    write(tmp_path / "needed" / "inside" / "data.txt", "beside the code")
    packed(tmp_path)
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def packed(folder):
    compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    module_list.write(folder, "site")


def told(task, script, **environ):
    """Run a script as a function does, its package unpacked in `task`; return what it prints as JSON."""
    paths = [task / "site", task, ROOT / "django_app"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGINS + script],
        cwd=task,
        env={
            "LAMBDA_TASK_ROOT": str(task),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_modules_are_found_by_the_index(task):
    assert told(task, LOADERS) == {"shop": BY_THE_INDEX, "shop.orders": BY_THE_INDEX}


def test_a_module_found_by_the_index_is_what_python_would_have_found(task):
    script = """
import inspect, json, importlib.resources, needed.inside, shop
beside = importlib.resources.files("needed.inside") / "data.txt"
names = ("__name__", "__package__", "__file__", "__cached__")
print(json.dumps([
    [*(getattr(module, name) for name in names), list(getattr(module, "__path__", []))]
    for module in (shop, shop.orders, needed.inside)
] + [inspect.getsource(shop.orders), beside.read_text()]))
"""

    with_index = told(task, script)
    (task / FILE).unlink()

    assert with_index == told(task, script)
    assert with_index[-1] == "beside the code"


def test_the_bytecode_is_not_compared_with_its_source(task):
    (task / "site" / "shop" / "orders.py").write_text("def total():\n    return 'source'\n")

    assert told(task, "import json, shop; print(json.dumps(shop.orders.total()))") == "compiled"


def test_without_bytecode_the_source_is_read(task):
    (compiled,) = (task / "site" / "shop" / "__pycache__").glob("orders.*")
    compiled.unlink()

    assert told(task, "import json, shop; print(json.dumps(shop.orders.total()))") == "compiled"


def test_bytecode_of_another_python_is_not_run(task):
    (compiled,) = (task / "site" / "shop" / "__pycache__").glob("orders.*")
    other = marshal.dumps(compile("def total():\n    return 'of another Python'\n", "orders.py", "exec"))
    compiled.write_bytes(b"\0\0\0\0" + compiled.read_bytes()[4:16] + other)

    assert told(task, "import json, shop; print(json.dumps(shop.orders.total()))") == "compiled"


def test_what_the_index_does_not_list_is_found_as_ever(task):
    write(task / "later.py", "here = True\n")

    assert told(task, "import json, later; print(json.dumps(later.here))") is True


def test_without_an_index_nothing_is_changed(task):
    (task / FILE).unlink()

    found = told(task, LOADERS)

    assert set(found.values()) == {"_frozen_importlib_external"}


def test_the_index_is_installed_once(task):
    script = "import json, sys\nbefore = len(sys.meta_path)\nmodule_index.install()\n"

    assert told(task, script + "print(json.dumps(len(sys.meta_path) - before))") == 0


def test_what_is_in_both_folders_comes_from_the_source_root(task):
    write(task / "shop" / "__init__.py", "")
    write(task / "shop" / "other.py", "")
    packed(task)

    listed = json.loads((task / FILE).read_text())

    assert listed["site"] == {"packages": ["shop"], "modules": ["shop.orders"]}
    assert [name for name in listed["."]["packages"] + listed["."]["modules"] if "shop" in name] == []


@pytest.mark.parametrize("library", ["fast.cpython-313-x86_64-linux-gnu.so", "fast.abi3.so", "fast.so"])
def test_a_compiled_module_goes_before_one_in_python(task, library):
    write(task / "needed" / "fast.py", "")
    (task / "needed" / library).write_bytes(b"")
    packed(task)

    listed = json.loads((task / FILE).read_text())["."]

    assert "needed.fast" not in listed["modules"]
    assert listed["packages"] == ["needed", "needed.inside"]


def test_a_compiled_module_of_the_source_root_goes_before_one_in_the_other_folder(task):
    (task / "site" / "fast.abi3.so").write_bytes(b"")
    write(task / "fast.py", "")
    packed(task)

    listed = json.loads((task / FILE).read_text())

    assert "fast" not in listed["site"]["modules"] + listed["."]["modules"]


def test_nothing_is_told_of_a_package_whose_init_is_compiled(task):
    (task / "needed" / "inside" / "__init__.abi3.so").write_bytes(b"")
    write(task / "needed" / "inside" / "deeper.py", "")
    packed(task)

    listed = json.loads((task / FILE).read_text())["."]

    assert listed == {"packages": ["needed"], "modules": []}


def test_what_no_import_can_name_and_what_has_no_init_is_not_listed(task):
    write(task / "needed" / "0001_initial.py", "")
    write(task / "spaced" / "module.py", "")
    packed(task)

    listed = json.loads((task / FILE).read_text())["."]

    assert listed == {"packages": ["needed", "needed.inside"], "modules": []}
