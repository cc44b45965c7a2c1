"""The environment variables that lead to this machine and to no other AWS."""

import os
import stat
from pathlib import Path

import pytest

from django_offload.aws.development import Session
from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.environment import applied, env_file, refuse_other_aws, variables, without_aws
from django_offload.local.errors import NotThisMachine
from django_offload.local.lambda_.project_modules import source_roots
from django_offload.local.lambda_.worker_process import process_environment

from .fakes import function


def test_the_variables_name_the_endpoints_and_hide_configuration_files() -> None:
    environment = variables(
        "http://127.0.0.1:1", region="eu-north-1", access_key="LOCAL1", lambda_endpoint="http://127.0.0.1:2"
    )

    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_ENDPOINT_URL_LAMBDA"] == "http://127.0.0.1:2"
    assert environment["AWS_DEFAULT_REGION"] == "eu-north-1"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
@pytest.mark.parametrize(
    "url", ["https://sqs.eu-north-1.amazonaws.com", "http://10.0.0.1:4566", "http://127.evil.example"]
)
def test_an_endpoint_elsewhere_is_refused(variable: str, url: str) -> None:
    with pytest.raises(NotThisMachine, match=f"Unset {variable} first"):
        refuse_other_aws({variable: url})


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "http://localhost:4566", "http://[::1]:1", ""])
def test_an_endpoint_on_this_machine_may_be_replaced(url: str) -> None:
    refuse_other_aws({"AWS_ENDPOINT_URL": url})


def test_a_server_does_not_start_beside_another_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sqs.eu-north-1.amazonaws.com")

    with pytest.raises(NotThisMachine):
        MotoServer().start()


def test_the_environment_is_applied_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    before = dict(os.environ)

    with applied({"AWS_ENDPOINT_URL": "http://127.0.0.1:2", "AWS_REGION": "eu-north-1"}):
        assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:2"
        assert "AWS_PROFILE" not in os.environ

    assert dict(os.environ) == before


def test_a_process_gets_nothing_of_another_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.eu-north-1.amazonaws.com")
    monkeypatch.setenv("SECRET_KEY", "secret")

    environment = process_environment(function(), {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "127.0.0.1:9")

    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_SQS"} & environment.keys()
    assert environment["SECRET_KEY"] == "secret"
    assert without_aws({"AWS_PROFILE": "work", "HOME": "/"}) == {"HOME": "/"}


def test_a_process_gets_what_lambda_gives_and_the_functions_own() -> None:
    variables_of_function = {
        "PYTHONPATH": "/var/task/django_app",
        "OFFLOAD_STACK": "shop",
        "AWS_ENDPOINT_URL": "http://elsewhere",
    }

    environment = process_environment(
        function(environment=variables_of_function), {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "127.0.0.1:9"
    )

    assert environment["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "shop-default-worker"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/shop-default-worker"
    assert environment["LAMBDA_TASK_ROOT"] == os.getcwd()
    assert environment["OFFLOAD_STACK"] == "shop"
    # The working tree in place of /var/task, and this machine whatever the function says.
    assert environment["PYTHONPATH"] == os.pathsep.join(source_roots())
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_the_file_for_other_terminals_is_private_and_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    session = Session(process=7, token="t", stacks=("shop-dev",), variables={"B": "it's", "A": "1"})
    with env_file(session) as path:
        assert path == tmp_path / ".offload" / "env"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        lines = ["# process: 7", "# token: t", "# stacks: shop-dev", "export A=1", "export B='it'\"'\"'s'"]
        assert path.read_text().splitlines() == lines
        # Git sees nothing of the folder, in any project.
        assert (path.parent / ".gitignore").read_text() == "*\n"

    assert not path.exists()


def test_the_file_of_a_later_process_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    session = Session(process=7, token="t", stacks=(), variables={"A": "1"})
    with env_file(session) as path:
        path.write_text("export A=2\n")

    assert path.read_text() == "export A=2\n"
