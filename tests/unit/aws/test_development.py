"""Which local AWS a development process finds, and when it may call AWS itself."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from moto import mock_aws

from django_offload.aws import BOTO3, LEAN, client, clients, development
from django_offload.aws.development import ENV_FILE, Session, find_session
from django_offload.aws.lean import credentials
from django_offload.conf import configured
from django_offload.exceptions import LocalAWSMissing
from django_offload.local.environment import env_file, other_start
from django_offload.management.base import OffloadCommand
from django_offload.sending.enqueue import build, prototype_of, send
from tests.contract.tasks import add
from tests.unit.aws.development import STACK, TASKS

REFUSAL = (
    "AWS was not reached: DEBUG is on, and no local AWS runs for this project. "
    "Start manage.py offload_local, or set OPTIONS['aws_in_debug'] = True in TASKS['default']."
)

pytestmark = pytest.mark.usefixtures("project")


def found(folder: Path, stacks: tuple[str, ...] = (STACK,)) -> bool:
    return find_session([folder], stacks) is not None


def test_a_session_is_found_by_its_file_and_its_answer(project: Path, session: Session) -> None:
    assert Session.parse(session.text()) == session
    assert not found(project)
    with env_file(session):
        assert found(project)
        assert not found(project, ("another-project",))
    assert not found(project)


def test_a_second_start_leads_back_to_the_first_at_its_end(project: Path, session: Session) -> None:
    second = replace(session, variables={**session.variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:10"})
    assert other_start() == ""
    with env_file(session):
        assert other_start().startswith(
            f"Another offload_local runs in this folder (process {session.process})."
        )
        with env_file(second):
            assert second.text() == ENV_FILE.read_text()
        assert session.text() == ENV_FILE.read_text()
        assert found(project)
    assert other_start() == ""

    with env_file(replace(session, token="0" * 32)), env_file(session):  # The first one was killed.
        pass
    assert not ENV_FILE.exists()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"token": "0" * 32}, id="another start's token"),
        pytest.param({"token": ""}, id="no token"),
        pytest.param({"process": 2**22 + 1}, id="a process that ended"),
        pytest.param({"process": 10**30}, id="no process"),
    ],
)
def test_a_stale_file_never_counts(project: Path, session: Session, change: dict[str, Any]) -> None:
    with env_file(replace(session, **change)):
        assert not found(project)


@pytest.mark.parametrize("missing", sorted(development.NEEDED))
def test_a_file_without_one_of_its_variables_describes_nothing(session: Session, missing: str) -> None:
    rest = {key: value for key, value in session.variables.items() if key != missing}

    assert Session.parse(replace(session, variables=rest).text()) is None


@pytest.mark.parametrize("text", ["", "# token: x", "export AWS_A='", "\0", "# process: ²\n# token: x"])
def test_a_file_of_anything_else_describes_nothing(text: str) -> None:
    assert Session.parse(text) is None


def test_a_file_that_names_another_machine_describes_nothing(session: Session) -> None:
    elsewhere = {**session.variables, "AWS_ENDPOINT_URL": "http://10.0.0.1:4566"}
    nowhere = {**session.variables, "AWS_ENDPOINT_URL": "http://[::1"}

    assert Session.parse(replace(session, variables=nowhere).text()) is None
    assert Session.parse(replace(session, variables=elsewhere).text()) is None


def test_a_file_that_others_can_read_or_write_never_counts(
    project: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with env_file(session) as path:
        path.chmod(0o640)
        assert not found(project)
        path.chmod(0o600)
        assert found(project)
        another = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: another)
        assert not found(project)
        monkeypatch.undo()
        path.rename(path.with_name("moved"))
        path.symlink_to(path.with_name("moved"))
        assert not found(project)


def test_neither_a_closed_port_nor_a_silent_one_is_waited_for(
    project: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(development, "ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        stale = replace(session, variables={**session.variables, "AWS_ENDPOINT_URL_LAMBDA": url})
        with env_file(stale):
            assert not found(project)
            silent.close()
            monkeypatch.setattr(development, "ANSWER_SECONDS", 60)
            started_at = time.monotonic()
            assert not found(project)
            assert time.monotonic() - started_at < 30


def test_the_answer_shows_the_token_to_nobody(session: Session) -> None:
    assert session.answers()
    assert development.answer(session.token, "a") != development.answer(session.token, "b")
    assert session.token not in development.answer(session.token, "a")


def test_the_folders_above_the_current_one_and_above_the_settings_are_searched(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "shop")
    folders = list(development.project_folders())

    assert folders[:2] == [project / "shop", project]
    import config.settings

    own = Path(config.settings.__file__).parent
    assert own in folders
    assert own.parent in folders
    assert len(folders) == len(set(folders))

    (project / "shop").rmdir()
    assert own in list(development.project_folders())


@pytest.mark.parametrize("kind", [LEAN, BOTO3])
@pytest.mark.parametrize("service", ["sqs", "dynamodb", "lambda"])
def test_clients_call_the_local_aws_that_runs(
    project: Path, session: Session, kind: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("AWS_PROFILE", "missing"),
        ("AWS_SESSION_TOKEN", "real"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:4566"),
    ):
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    monkeypatch.chdir(project)
    with env_file(session):
        monkeypatch.chdir(project / "shop")
        made = client(service, kind)

        name = "AWS_ENDPOINT_URL_LAMBDA" if service == "lambda" else "AWS_ENDPOINT_URL"
        assert made.meta.endpoint_url == session.variables[name]
        assert made.meta.region_name == "eu-north-1"
        if kind == LEAN:
            assert credentials.credentials() == (session.variables["AWS_ACCESS_KEY_ID"], "local", None)
        # Other code in this process may use AWS on purpose.
        assert dict(os.environ) == before
        assert client(service, kind) is made


def test_a_new_start_is_found_and_an_end_is_noticed(session: Session) -> None:
    with env_file(session):
        first = client("sqs", LEAN)
    with pytest.raises(LocalAWSMissing):
        client("sqs", LEAN)
    assert credentials.credentials().access_key == "REAL"
    again = replace(session, variables={**session.variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:10"})
    with env_file(again):
        second = client("sqs", LEAN)

    assert (first.meta.endpoint_url, second.meta.endpoint_url) == (
        "http://127.0.0.1:9",
        "http://127.0.0.1:10",
    )


@pytest.mark.parametrize("kind", [LEAN, BOTO3])
def test_without_one_a_development_process_calls_nothing(kind: str) -> None:
    for service in ("sqs", "dynamodb", "lambda", "s3"):
        with pytest.raises(LocalAWSMissing) as caught:
            client(service, kind)
        assert str(caught.value) == REFUSAL
        assert caught.value.__context__ is None  # A traceback begins with the sentence, not with a KeyError.


@pytest.mark.parametrize(
    ("backend", "more"),
    [
        ("SQSBackend", {}),
        ("SQSBackend", {"queue_urls": {"default": "https://sqs.eu-west-1.amazonaws.com/1/shop-dev-default"}}),
        ("SQSBackend", {"record_at_enqueue": False}),
        ("SQSBackend", {"client": "boto3"}),
        ("LambdaBackend", {}),
    ],
)
def test_a_send_raises_that_alone_and_logs_nothing(
    settings: Any, caplog: pytest.LogCaptureFixture, backend: str, more: dict[str, Any]
) -> None:
    options = {"stack": STACK, "modules": ["tests.contract.tasks"], "in_tests": "send", **more}
    settings.TASKS = {"default": {"BACKEND": f"django_offload.backends.{backend}", "OPTIONS": options}}
    conf = configured()["default"]
    enqueued = build(add, prototype_of(add, conf, None), [1, 2], {}, conf)

    with pytest.raises(LocalAWSMissing) as caught:
        send(enqueued, conf)

    assert str(caught.value) == REFUSAL
    assert caplog.records == []


def test_every_entry_must_allow_aws(settings: Any) -> None:
    options = {"stack": "second-dev", "aws_in_debug": True}
    settings.TASKS = {**TASKS, "second": {**TASKS["default"], "OPTIONS": options}}
    with pytest.raises(LocalAWSMissing, match=r"in TASKS\['default'\]\."):
        client("sqs")

    allowed = {**TASKS["default"], "OPTIONS": {"stack": STACK, "aws_in_debug": True}}
    settings.TASKS = {"default": allowed}
    assert client("sqs", LEAN).meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


def test_a_local_aws_that_runs_is_used_even_if_aws_is_allowed(session: Session, settings: Any) -> None:
    settings.TASKS = {"default": {**TASKS["default"], "OPTIONS": {"stack": STACK, "aws_in_debug": True}}}
    with env_file(session):
        assert client("sqs", LEAN).meta.endpoint_url == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("variable", "value", "service"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "sqs"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:4566", "sqs"),
        ("AWS_LAMBDA_FUNCTION_NAME", "shop-web", "sqs"),
        ("OFFLOAD_STACK", STACK, "sqs"),
    ],
)
def test_an_endpoint_and_a_deployed_process_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, service: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert client(service, LEAN).meta.region_name == "eu-west-1"


def test_an_endpoint_for_one_service_is_none_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")

    assert client("s3").meta.endpoint_url == "http://127.0.0.1:9000"
    with pytest.raises(LocalAWSMissing):
        client("sqs")


def test_the_endpoint_of_a_profile_counts_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = project / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    profile.write_text("[default]\nuse_fips_endpoint = true\n")
    with pytest.raises(LocalAWSMissing):
        client("sqs")

    profile.write_text("[default]\nendpoint_url = http://127.0.0.1:4566\n")
    assert client("sqs").meta.endpoint_url == "http://127.0.0.1:4566"


def test_mock_aws_calls_no_aws() -> None:
    with mock_aws():
        assert client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    clients.reset_clients()
    with pytest.raises(LocalAWSMissing):
        client("sqs")


def test_without_debug_nothing_is_looked_for(session: Session, settings: Any) -> None:
    settings.DEBUG = False
    with env_file(session):
        assert client("sqs", LEAN).meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


class Command(OffloadCommand):
    """Calls AWS, as a command does that looks at a deployed stage."""

    def run(self, **options: Any) -> int:
        self.write_line(client("sqs", LEAN).meta.endpoint_url)
        return 0


def test_a_command_that_names_a_stage_calls_aws(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"Start manage\.py offload_local"):
        call_command(Command())

    monkeypatch.setenv("OFFLOAD_STAGE", "prod")
    out = StringIO()
    call_command(Command(), stdout=out)
    assert out.getvalue() == "https://sqs.eu-west-1.amazonaws.com\n"

    # It means the deployed one, also while local AWS runs.
    with env_file(session):
        call_command(Command(), stdout=(out := StringIO()))
        assert out.getvalue() == "https://sqs.eu-west-1.amazonaws.com\n"

    # The rest of the process may not.
    with pytest.raises(LocalAWSMissing):
        client("sqs", LEAN)


def test_a_deployed_process_imports_none_of_this() -> None:
    program = (
        "import django, sys; django.setup()\n"
        "from django_offload.aws import client, LEAN; client('sqs', LEAN); client('dynamodb', LEAN)\n"
        "assert 'django_offload.aws.development' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for deployed in ({"AWS_LAMBDA_FUNCTION_NAME": "x", "DEBUG": "1"}, {"DEBUG": "0", "SECRET_KEY": "s"}):
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env=environment | deployed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
    assert Path(".offload/env") == ENV_FILE
