"""The stack and the web side are deployed with the same credentials."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from zappa.cli import ZappaCLI

from django_offload.conf import configured
from django_offload.deploy.errors import BadStage, WrongAccount
from django_offload.deploy.release.credentials import check_credentials
from django_offload.deploy.release.web import Web
from django_offload.deploy.stage import Stage
from django_offload.stack.stage_environment import StageEnvironment

from .test_web import Client

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def accounts(sts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """Return the keys of two accounts. Each is the profile of its number."""
    other = ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_DEFAULT_PROFILE")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", *other):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
    client = boto3.client(
        "sts", REGION, aws_access_key_id="any", aws_secret_access_key="any", endpoint_url=sts
    )
    keys = {}
    for account in ("111111111111", "222222222222"):
        role = client.assume_role(RoleArn=f"arn:aws:iam::{account}:role/deploys", RoleSessionName="tests")
        given = role["Credentials"]
        keys[account] = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    profiles = {f"profile {account}": lines for account, lines in keys.items()}
    (tmp_path / "config").write_text(
        "".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
            for name, lines in profiles.items()
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    return keys


def use(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name.upper(), value)


@pytest.mark.parametrize("settings", [{"profile_name": "222222222222"}, {}])
def test_zappa_itself_uses_the_credentials_of_the_stack(
    accounts: dict[str, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str | None],
) -> None:
    account = "222222222222"
    if not settings.get("profile_name"):
        use(monkeypatch, accounts[account])
    stage = Stage(
        name="dev", region=REGION, options=configured()["default"], stage_environment=StageEnvironment()
    )
    (tmp_path / "zappa_settings.json").write_text("{}")

    aws = check_credentials(REGION, settings, tmp_path)
    resources = aws._clients  # The stack's function and role are not there.
    resources |= {"cloudformation": Client(), "iam": Client(), "lambda": Client()}
    side = Web(aws, stage, tmp_path, {"project_name": "lab", "s3_bucket": "lab", **settings})
    written = side.write_settings()
    zappa_cli = ZappaCLI()
    zappa_cli.api_stage = "dev"
    zappa_cli.load_settings(str(written))

    credentials = zappa_cli.zappa.boto_session.get_credentials()
    assert credentials.access_key == accounts[account]["aws_access_key_id"]
    assert aws.account == account
    assert json.loads(written.read_text())["dev"].get("profile_name") == settings.get("profile_name")


def test_an_environment_that_names_another_account_is_refused_first(
    accounts: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"profile_name": "222222222222"}
    monkeypatch.setenv("AWS_PROFILE", "111111111111")
    with pytest.raises(WrongAccount) as caught:
        check_credentials(REGION, settings, tmp_path)
    assert str(caught.value) == (
        "zappa_settings.json names the profile '222222222222' of the account 222222222222, but AWS_PROFILE "
        "names credentials of the account 111111111111. Nothing was changed, because stack and web side use "
        "the same credentials. Unset AWS_PROFILE, or correct or remove 'profile_name'."
    )

    use(monkeypatch, accounts["111111111111"])
    with pytest.raises(WrongAccount, match="but AWS_ACCESS_KEY_ID names credentials of the account 1111"):
        check_credentials(REGION, settings, tmp_path)

    use(monkeypatch, accounts["222222222222"])
    assert check_credentials(REGION, settings, tmp_path).account == "222222222222"


def test_other_ways_to_name_another_account_are_refused_too(
    accounts: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"profile_name": "222222222222"}
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "111111111111")
    with pytest.raises(WrongAccount, match="but AWS_DEFAULT_PROFILE names credentials of the account 1111"):
        check_credentials(REGION, settings, tmp_path)

    monkeypatch.delenv("AWS_DEFAULT_PROFILE")
    (tmp_path / "token").write_text("of the pipeline")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111111111111:role/pipeline")
    with pytest.raises(WrongAccount, match="but AWS_ROLE_ARN names credentials of the account 1111"):
        check_credentials(REGION, settings, tmp_path)


def test_a_profile_that_this_machine_lacks_is_named(
    accounts: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, accounts["111111111111"])

    with pytest.raises(BadStage, match=r"'profile_name' is 'default', and this machine .* Add it to ~/\.aws"):
        check_credentials(REGION, {"profile_name": "default"}, tmp_path)


def test_local_aws_has_credentials_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    assert check_credentials(REGION, {"profile_name": "gone"}, tmp_path).profile is None
