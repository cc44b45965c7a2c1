"""The content of the package. It runs without anything else."""

import hashlib
import json
import os
import re
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.package.dependencies import RUNTIME_PACKAGES
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.aws.sqs_event import make_record
from django_offload.local.lambda_.deployed_code import link_runtime

from . import clean
from .http_events import http, rest
from .project import PLANTED, SECRET_FILES, Project, files_with

LARGEST = 20 * 2**20
# Of a worker's start, including Python's own modules.
MOST_MODULES = 650
# The deployed site has a stack of the same name in another region.
REGION = "eu-west-2"
# e_machine: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MACHINES = {"x86_64": 62, "arm64": 183}

ENQUEUES = """
import django
django.setup()
from lab.tasks import exchange_rates
print(json.dumps(exchange_rates.enqueue(0).id))
"""
WORKS = """
import time
from types import SimpleNamespace
from lambdas.worker import handler
from django_offload.compat import default_task_backend
ends = time.monotonic() + 60
context = SimpleNamespace(
    aws_request_id="1",
    function_name="lab-dev-default-worker",
    invoked_function_arn={function!r},
    log_stream_name="2026/11/22/[$LATEST]1",
    get_remaining_time_in_millis=lambda: int((ends - time.monotonic()) * 1000),
)
answer = handler({event!r}, context)
print(json.dumps([answer, default_task_backend.get_result({task_id!r}).status]))
"""


@pytest.fixture(scope="module")
def names(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def task(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean.unzip(package, tmp_path_factory.mktemp("var") / "task")


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that AWS's runtime adds to ours."""
    return link_runtime(tmp_path_factory.mktemp("runtime"))


def machines(folder: Path) -> set[int]:
    """Return the processors that the shared libraries below a folder are made for."""
    heads = [path.read_bytes()[:20] for path in folder.rglob("*.so*") if path.is_file()]
    assert heads
    assert all(head[:4] == b"\x7fELF" for head in heads)
    return {struct.unpack_from("<H", head, 18)[0] for head in heads}


def test_it_is_small_though_it_holds_bytecode(built: dict[str, Any], names: list[str]) -> None:
    modules = {name for name in names if name.endswith(".py")}
    compiled = {name for name in names if name.endswith(".cpython-313.pyc")}

    assert built["size"] <= LARGEST
    assert len(compiled) == len(modules) > 1_000


def test_bytecode_is_never_compared_with_its_source(package: Path, names: list[str]) -> None:
    with zipfile.ZipFile(package) as archive:
        heads = [archive.read(name)[:8] for name in names if name.endswith(".pyc")]

    # A hash instead of a time, which Python doesn't compare: https://peps.python.org/pep-0552/
    assert {struct.unpack_from("<I", head, 4)[0] for head in heads} == {1}


def test_its_tasks_are_listed_so_that_a_start_imports_those_of_its_queue_alone(
    task: Path, beside: Path, tmp_path: Path
) -> None:
    program = """
import lambdas.worker
print(json.dumps(sorted(sys.modules)))
"""

    def loaded(function: str) -> list[str]:
        found: list[str] = clean.run(
            task,
            beside,
            program,
            AWS_LAMBDA_FUNCTION_NAME=function,
            AWS_DEFAULT_REGION=REGION,
            AWS_ACCESS_KEY_ID="of-the-tests",
            AWS_SECRET_ACCESS_KEY="of-the-tests",
            LAB_DATABASE=str(tmp_path / "lab.sqlite3"),
        )
        return found

    assert json.loads((task / "offload_tasks.json").read_text())["tasks"] == {
        "lab.tasks.exchange_rates": ["lab.tasks", "default"],
        "lab.tasks.mandelbrot_tile": ["lab.tasks", "default"],
        "lab.tasks.photo_renditions": ["lab.tasks", "photos"],
        "lab.tasks.sales_report": ["lab.tasks", "reports"],
    }
    worker, other = loaded("lab-dev-reports-worker"), loaded("lab-dev-other")
    assert "lab.tasks" in worker
    assert "lab.tasks" not in other
    assert {"boto3", "botocore", "django.contrib.admin", "django.forms", "django.template"}.isdisjoint(worker)
    assert len(worker) <= MOST_MODULES


def test_every_module_of_its_index_is_the_one_that_python_finds(task: Path, beside: Path) -> None:
    program = """
import os
from importlib.machinery import PathFinder
listed = json.load(open(task + "/offload_modules.json"))
differ = []
for root, found in listed.items():
    for name in found["packages"] + found["modules"]:
        package = name.rpartition(".")[0]
        folder = os.path.normpath(os.path.join(task, root, package.replace(".", "/")))
        spec = PathFinder.find_spec(name, [folder] if package else None)
        ends = ".py" if name in found["modules"] else "/__init__.py"
        if spec is None or spec.origin != os.path.join(folder, name.rpartition(".")[2]) + ends:
            differ.append(name)
print(json.dumps([differ, sum(map(len, listed["django_app"].values())), len(listed["."]["packages"])]))
"""

    differ, ours, packages = clean.run(task, beside, program)

    assert differ == []
    assert ours > 200
    assert packages > 100


def test_a_start_finds_its_modules_by_that_index(task: Path, beside: Path) -> None:
    program = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import lambdas.worker, django.db.models, lab.tasks
loaders = {type(module.__spec__.loader).__module__ for module in (django.db.models, lab.tasks)}
print(json.dumps(sorted(loaders)))
"""

    assert clean.run(task, beside, program) == ["django_offload.worker.start.module_index"]


def test_web_and_workers_are_in_one_package_as_in_the_repository(names: list[str]) -> None:
    assert {
        "handler.py",
        "zappa_settings.py",
        "lambdas/web.py",
        "lambdas/worker.py",
        "django_app/config/settings.py",
        "django_app/django_offload/worker/batch.py",
        "django/__init__.py",
    } <= set(names)


def test_no_tests_tools_caches_and_secrets_are_in_it(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    parts = {part for name in names for part in name.split("/")[:-1]}

    assert tops.isdisjoint({*RUNTIME_PACKAGES, "pip", "setuptools", "troposphere", "tests", "infra", "bin"})
    assert "tests" not in parts
    assert not [name for name in names if name.endswith((".po", ".pyi", ".sqlite3", ".env", ".pem", ".lock"))]
    assert not [name for name in names if "/." in name or name.startswith(".")]


def test_no_secret_that_lies_beside_the_code_is_in_it(package: Path, project: Project) -> None:
    assert all((project.root / name).read_text() == PLANTED for name in SECRET_FILES)

    assert files_with(PLANTED, package) == []


def test_the_same_files_make_the_same_bytes_wherever_and_whenever(
    built: dict[str, Any], project: Project, tmp_path: Path
) -> None:
    other = Project(tmp_path / "elsewhere" / "shop", project.root)
    for path in other.root.rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o600)

    said = json.loads(other.done("offload_package", "--json", PYTHONHASHSEED="7"))

    assert said["sha256"] == built["sha256"]
    assert said["sha256"] == hashlib.sha256(Path(said["path"]).read_bytes()).hexdigest()


def test_requirements_that_lack_what_the_settings_use_are_refused_by_name(
    project: Project, tmp_path: Path
) -> None:
    other = Project(tmp_path / "shop", project.root)
    lock = other.root / "lambdas" / "requirements.lock"
    pins = re.findall(r"^((?:django|asgiref|sqlparse|apig-wsgi)==[^ \\]+)", lock.read_text(), re.MULTILINE)
    assert len(pins) == 4
    lock.unlink()
    other.write("lambdas/requirements.txt", "\n".join([*pins, "zappa"]))

    ran = other.run("offload_package")

    assert ran.returncode == 2
    assert "not packaged, because they only deploy the site: zappa" in ran.stdout
    assert "The settings use" in ran.stderr
    for name in ("psycopg", "whitenoise", "pillow (PIL)"):
        assert name in ran.stderr.partition(", but lambdas/requirements.txt doesn't bring")[0]
    assert not list(other.root.glob("dist/*"))


def test_a_repository_of_another_owner_is_not_packaged_without_gits_list(
    project: Project, tmp_path: Path
) -> None:
    other = Project(tmp_path / "shop", project.root)
    subprocess.run(["git", "init", "-q", "."], cwd=other.root, check=True)  # noqa: S607
    other.write("django_app/lab/customers.csv", PLANTED)

    ran = other.run(
        "offload_package",
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_SYSTEM=os.devnull,
        GIT_TEST_ASSUME_DIFFERENT_OWNER="1",
    )

    assert ran.returncode == 2
    assert "git failed: fatal: detected dubious ownership in repository" in ran.stderr
    assert not list(other.root.glob("dist/*"))


def test_no_path_of_this_machine_is_in_it(task: Path, project: Project) -> None:
    here = [str(project.root.parent).encode(), b"offload-package-"]

    # build.py names the folder's prefix itself.
    found = [
        path for path in task.rglob("*") if path.is_file() and any(own in path.read_bytes() for own in here)
    ]

    assert not [path for path in found if path.name not in {"build.py", "build.cpython-313.pyc"}]


def test_every_shared_library_is_for_the_processor_asked_for(
    task: Path, project: Project, tmp_path: Path
) -> None:
    output = tmp_path / "arm64.zip"
    project.done("offload_package", "--architecture", "arm64", "--output", str(output))

    assert machines(task) == {MACHINES["x86_64"]}
    assert machines(clean.unzip(output, tmp_path / "task")) == {MACHINES["arm64"]}


def test_unzipped_alone_it_answers_every_kind_of_request(task: Path, beside: Path, tmp_path: Path) -> None:
    events = [rest("/"), http("/"), http("/", url=True)]
    program = f"""
import os
from types import SimpleNamespace
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
import lambdas.web, handler
context = SimpleNamespace(aws_request_id="1", get_remaining_time_in_millis=lambda: 30000)
handlers = (lambdas.web.handler, handler.lambda_handler)
answers = [one(event, context) for one in handlers for event in {events!r}]
print(json.dumps([[answer["statusCode"], answer["body"]] for answer in answers]))
"""

    answers = clean.run(
        task, beside, program, LAB_DATABASE=str(tmp_path / "lab.sqlite3"), ALLOWED_HOSTS="site.example"
    )

    assert [status for status, _ in answers] == [200] * 6
    assert all("Long work, in the request or offloaded" in body for _, body in answers)


def test_unzipped_alone_it_works_on_a_message_of_the_queue(task: Path, beside: Path, tmp_path: Path) -> None:
    with LocalAWS(in_process=True, background=False, region=REGION) as aws:
        environment = {
            **aws.environment,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "0",
            "LAB_DATABASE": str(tmp_path / "lab.sqlite3"),
        }
        task_id = clean.run(task, beside, ENQUEUES, **environment)
        sqs = aws.server.client("sqs")
        url = sqs.get_queue_url(QueueName="lab-dev-default")["QueueUrl"]
        (message,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:lab-dev-default"
        event = {"Records": [make_record(message, arn)]}
        function = f"arn:aws:lambda:{REGION}:123456789012:function:lab-dev-default-worker:live"
        works = WORKS.format(event=event, function=function, task_id=task_id)

        answer, status = clean.run(task, beside, works, **environment)

    assert answer == {"batchItemFailures": []}
    assert status == "SUCCESSFUL"
