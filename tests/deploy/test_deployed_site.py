"""The reference site, deployed to local AWS by the command, answers from its package."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.reliability.postgresql import PostgreSQL
from tests.security.corpus.requests import HOSTILE

from . import readme
from .cloud import Cloud, eventually
from .project import REGION, ROOT, SECRET_KEY, Project


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL) -> Iterator[Cloud]:
    database = postgresql.new_database()
    user, host = database["USER"], f"{database['HOST']}:{database['PORT']}"
    url = f"postgresql://{user}@{host}/{quote(database['NAME'])}"
    values = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}
    parameters = {name: values[variable] for name, variable in readme.parameters().items()}
    cloud = Cloud(tmp_path_factory.mktemp("packages"), parameters)
    try:
        yield cloud
    finally:
        cloud.close()


@pytest.fixture(scope="module")
def dry(cloud: Cloud, project: Project, package: Path) -> str:
    """The output of the dry run before the first deployment."""
    assert package == project.root / "dist" / "dev-x86_64.zip"
    return project.done(*readme.of_the_project("dist/dev-x86_64.zip", "--dry-run"))


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipe. In the first code, a task that should fail three times reads it, and so waits."""
    pipe = tmp_path_factory.mktemp("gate") / "pipe"
    os.mkfifo(pipe)
    return pipe


@pytest.fixture(scope="module")
def deployed(cloud: Cloud, project: Project, dry: str, gate: Path) -> str:
    """The output of the first deployment."""
    package = project.root / "dist" / "dev-x86_64.zip"
    built = package.read_bytes()
    changed(
        package,
        {
            "rates.py": (
                "    if attempt <= failures:",
                f"    if failures == 3 and not open({str(gate)!r}).read():\n        return RATES\n"
                "    if attempt <= failures:",
            ),
            "tasks.py": ("timeout=30", "timeout=280"),  # For as long as an update takes.
        },
    )
    try:
        said = project.done(*readme.of_the_project("--package", "dist/dev-x86_64.zip"), "--yes")
    finally:
        package.write_bytes(built)
    cloud.start()
    return said


def test_make_package_is_what_the_steps_begin_with() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv", "package"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert ["make", "package"] in readme.commands()
    assert "manage.py offload_package --stage dev --architecture x86_64" in said


def test_a_dry_run_shows_every_change_and_makes_none(cloud: Cloud, project: Project, dry: str) -> None:
    assert re.search(r"Add +AWS::SQS::Queue +QueueDefault", dry)
    assert "is deployed." not in dry
    assert (
        cloud.client("cloudformation").list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"]
        == []
    )


def test_without_a_terminal_the_command_asks_nothing(project: Project, deployed: str) -> None:
    ran = project.run(*readme.of_the_project("--delete"))

    assert ran.returncode == 2
    assert ran.stderr.strip() == (
        "CommandError: This needs a confirmation, but there's no terminal to ask on. Add --yes, or see the "
        "changes first with --dry-run."
    )


def test_a_deployment_shows_what_it_changes_before_and_what_there_is_after(deployed: str) -> None:
    assert f"stack lab-dev, account 123456789012, {REGION}" in deployed
    assert re.search(r"Add +AWS::SQS::Queue +QueueDefault", deployed)
    assert "Applying lab.0001_initial... OK" in deployed
    assert "is deployed." in deployed


def test_its_pages_and_their_styles_come_out_of_the_package(cloud: Cloud, deployed: str) -> None:
    page = cloud.request("/")
    (css,) = re.findall(r'href="(/static/lab/site\.[0-9a-f]{12}\.css)"', page.text)
    style = cloud.request(css)

    assert page.status == 200
    assert style.status == 200
    assert style.headers["Content-Type"].startswith("text/css")
    assert "immutable" in style.headers["Cache-Control"]


def test_a_task_goes_from_its_page_over_the_queue_to_a_worker_of_the_same_package(
    cloud: Cloud, deployed: str
) -> None:
    accepted = cloud.post("/retries/", failures="0")
    status = cloud.ended(accepted)

    assert accepted.status == 202
    assert status["status"] == "SUCCESSFUL", status
    assert status["return_value"]["USD"] == "1.0842"
    web, worker = (cloud.aws.functions.get(name) for name in ("lab-web-dev", "lab-dev-default-worker"))
    assert web.code == worker.code
    # The status was asked for by the link with the token, and each request has a line in the log.
    where = urlsplit(accepted.headers["Location"])
    token, log = where.query.removeprefix("token="), "\n".join(cloud.said)
    assert f"GET {where.path} 200" in log
    assert token not in log
    assert "token=" not in log


@pytest.mark.parametrize("name", HOSTILE)
def test_the_deployed_web_function_obeys_nothing_but_requests(cloud: Cloud, deployed: str, name: str) -> None:
    function = cloud.aws.functions.get("lab-web-dev")

    outcome = cloud.aws.invoker.invoke(function, json.dumps(HOSTILE[name]).encode())

    assert outcome.failed
    assert json.loads(outcome.payload)["errorType"] == "UnknownEvent"


def test_no_secret_is_in_what_is_deployed(cloud: Cloud, deployed: str, project: Project) -> None:
    configured: list[Any] = cloud.client("lambda").list_functions()["Functions"]

    assert {function["FunctionName"] for function in configured} > {"lab-web-dev", "lab-dev-migrate"}
    assert SECRET_KEY not in str(configured)
    assert SECRET_KEY not in "\n".join(cloud.said)
    assert SECRET_KEY not in (project.root / ".offload" / "zappa-dev.json").read_text()


def test_zappas_own_status_knows_the_web_side(deployed: str, project: Project) -> None:
    said = project.zappa("status", "dev", "--settings_file", ".offload/zappa-dev.json")

    assert "lab-web-dev" in said
    assert "python3.13" in said


def test_the_one_route_that_moto_lacks_is_answered_by_the_endpoint_of_this_machine(
    cloud: Cloud, deployed: str
) -> None:
    import boto3

    # `zappa update` asks for it: the update below would fail without.
    listed = boto3.session.Session().client("lambda").list_function_url_configs(FunctionName="lab-web-dev")
    kept = cloud.client("lambda").get_function_url_config(FunctionName="lab-web-dev")

    assert [found["FunctionUrl"] for found in listed["FunctionUrlConfigs"]] == [kept["FunctionUrl"]]
    assert kept["FunctionUrl"] in deployed


def test_an_update_with_messages_under_way_loses_none_and_goes_back(
    cloud: Cloud, deployed: str, project: Project, gate: Path
) -> None:
    after = project.root / "dist" / "after.zip"
    shutil.copyfile(project.root / "dist" / "dev-x86_64.zip", after)
    changed(after, {"rates.py": ("1.0842", "2.0000")})
    under_way = [cloud.post("/retries/", failures="2") for _ in range(6)]
    held = cloud.post("/retries/", failures="3")
    eventually(lambda: cloud.status(held)["status"] == "RUNNING", cloud.said)

    said = project.done("offload_deploy", "--stage", "dev", "--yes", "--package", str(after))
    fresh = cloud.ended(cloud.post("/retries/", failures="0"))
    assert cloud.status(held)["status"] == "RUNNING"
    gate.write_text("")
    begun_before = cloud.ended(held)
    ended = [cloud.ended(accepted) for accepted in under_way]
    back = project.done(*readme.of_the_project("--rollback"), "--yes")
    old = cloud.ended(cloud.post("/retries/", failures="0"))

    assert "Migrating the database, with the new code:" in said
    assert {status["status"] for status in ended} == {"SUCCESSFUL"}
    assert [status["attempts"] for status in ended] == [3] * 6
    assert {status["return_value"]["USD"] for status in ended} <= {"1.0842", "2.0000"}
    assert fresh["return_value"]["USD"] == "2.0000"
    # Its message was in flight during the whole update, and the old code finished the task.
    assert (begun_before["status"], begun_before["attempts"]) == ("SUCCESSFUL", 1)
    assert begun_before["return_value"]["USD"] == "1.0842"
    assert old["return_value"]["USD"] == "1.0842"
    assert "the last with other code, with its variables and parameters. Secrets and migrations stay" in back


def test_deleting_keeps_table_and_bucket_until_told_otherwise_and_deploying_takes_them_back(
    cloud: Cloud, deployed: str, project: Project
) -> None:
    ended = cloud.post("/retries/", failures="0")
    before = cloud.ended(ended)
    said = project.done(*readme.of_the_project("--delete"), "--yes")

    assert "(the next deployment takes them back; --with-data deletes them too)" in said
    assert cloud.client("dynamodb").list_tables()["TableNames"] == ["lab-dev-tasks"]
    assert cloud.client("lambda").list_functions()["Functions"] == []
    # moto keeps what other tests of this process made.
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    kept = [name for name in buckets if name.startswith("lab-")]
    assert kept == [f"lab-dev-payloads-123456789012-{REGION}"]

    project.done(*readme.of_the_project("--package", "dist/dev-x86_64.zip"), "--yes")

    assert cloud.status(ended) == before
    assert before["status"] == "SUCCESSFUL"


def changed(package: Path, changes: dict[str, tuple[str, str]]) -> None:
    """Replace code in a package: in each named module of lab, the first text by the second."""
    with zipfile.ZipFile(package) as old:
        held = [(entry, old.read(entry)) for entry in old.infolist()]
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, data in held:
            folder, _, name = entry.filename.rpartition("/")
            before, after = changes.get(name, ("", "")) if folder == "django_app/lab" else ("", "")
            assert before.encode() in data
            # Python never compares bytecode with its source, so this deletes the old bytecode.
            if folder != "django_app/lab/__pycache__" or f"{name.partition('.')[0]}.py" not in changes:
                new.writestr(entry, data.replace(before.encode(), after.encode()) if before else data)
