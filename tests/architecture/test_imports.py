"""Who may import what, beyond the layers that import-linter holds: the AWS packages, and when."""

import subprocess
import sys

import pytest

from tests.architecture.sources import LIBRARY, ROOT, SOURCE_ROOT, imports, modules, shown

# The only places of the library that may import each, and only inside functions.
LAZY_PACKAGES = {
    "boto3": ("aws/", "local/", "deploy/"),
    "botocore": ("aws/", "local/", "deploy/"),
    "troposphere": ("stack/",),
    "cfn_flip": ("stack/",),  # Comes with troposphere.
    "moto": ("local/", "pytest_plugin.py", "testing.py"),
    "werkzeug": ("local/",),  # Comes with moto.
    "awslambdaric": ("local/",),
    "apig_wsgi": ("web/",),
    "zappa": (),  # Deploying runs its command.
    "rich": ("management/",),
}
# Modules that subclass moto's classes. They are imported inside functions themselves.
BUILT_ON_MOTO = {"local/aws/moto_requests.py", "local/aws/queues.py"}
RUN_TIME = {"django", "asgiref", "django_offload"}


def packages_imported(path):
    return [(one, one.name.partition(".")[0]) for one in imports(path)]


def test_packages_that_cost_start_time_are_imported_only_where_they_belong():
    strays = [
        f"{shown(path)}:{one.line} imports {one.name}"
        for path in modules(LIBRARY)
        for one, package in packages_imported(path)
        if package in LAZY_PACKAGES
        and not path.relative_to(LIBRARY).as_posix().startswith(LAZY_PACKAGES[package])
    ]

    assert not strays, "Go through the layer that owns the package: " + ", ".join(strays)


def test_packages_that_cost_start_time_are_imported_inside_functions():
    eager = [
        f"{shown(path)}:{one.line} imports {one.name}"
        for path in modules(LIBRARY)
        for one, package in packages_imported(path)
        if package in LAZY_PACKAGES and not one.lazy
        if path.relative_to(LIBRARY).as_posix() not in BUILT_ON_MOTO
    ]

    assert not eager, "Move these imports into the functions that use them: " + ", ".join(eager)


def test_modules_built_on_moto_are_imported_inside_functions():
    program = """
import sys
import django_offload.local.aws.local_aws, django_offload.local.serve.session, django_offload.pytest_plugin
print(sorted({"moto", "werkzeug", "flask"} & set(sys.modules)))
"""

    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SOURCE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stdout == "[]\n", run.stderr


def test_the_library_imports_nothing_that_is_not_declared():
    # The plugin is loaded by pytest itself, and by nothing else; handlers are files of projects.
    unknown = [
        f"{shown(path)}:{one.line} imports {one.name}"
        for path in modules(LIBRARY)
        for one, package in packages_imported(path)
        if package not in sys.stdlib_module_names | RUN_TIME | LAZY_PACKAGES.keys()
        and not (package in {"pytest", "_pytest"} and path.name == "pytest_plugin.py")
        and "handlers" not in path.parts
    ]

    assert not unknown, "Do without these packages, or declare them: " + ", ".join(unknown)


def loaded_by(statements):
    """Run the statements in a fresh interpreter and return what it says: the AWS packages then loaded."""
    script = (
        f"import sys\n{statements}\nprint([name for name in {list(LAZY_PACKAGES)} if name in sys.modules])"
    )
    environment = {"PYTHONPATH": "django_app:.", "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return process.stdout, process.stderr


@pytest.mark.parametrize("module", ["django_offload", "django_offload.apps", "django_offload.backends"])
def test_importing_the_library_brings_no_aws_package_along(module):
    assert loaded_by(f"import {module}") == ("[]\n", "")


def test_a_site_that_is_set_up_has_loaded_no_aws_package():
    statements = """
import django
django.setup()
from django_offload.compat import task_backends
assert list(task_backends.all())
"""

    assert loaded_by(statements) == ("[]\n", "")
