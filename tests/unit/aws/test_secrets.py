"""The secrets that a function reads when it starts."""

import json
import os
from typing import Any

import pytest

from django_offload.aws import secrets
from django_offload.exceptions import SecretUnreadable


class Vault:
    """Stands in for both services that store secrets, and records the requests."""

    def __init__(self, **values: str) -> None:
        self.values, self.requested = values, []

    def get_parameters(self, *, Names: list[str], WithDecryption: bool) -> dict[str, Any]:
        self.requested.append(Names)
        assert WithDecryption
        return {
            "Parameters": [
                {"Name": name, "Value": self.values[name]} for name in Names if name in self.values
            ]
        }

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:
        self.requested.append([SecretId])
        if SecretId not in self.values:
            raise LookupError(f"no secret {SecretId}")
        if SecretId == "shop/bytes":
            return {"SecretBinary": self.values[SecretId]}
        return {"SecretString": self.values[SecretId]}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Vault:
    vault = Vault(
        **{
            "/shop/key": "k" * 50,
            "shop/database": "postgresql://db/shop",
            "shop/text": "k" * 50,
            "shop/list": "[]",
            "shop/json": '{"nothing": null, "k": "' + "k" * 50 + '"}',
            "shop/bytes": "k" * 50,
            "shop/half": json.dumps({"k": "k" * 50 + "\ud800"}),
            "shop/null": "k" * 50 + "\0",
        }
    )
    monkeypatch.setattr(secrets, "client", lambda service, kind: vault)
    monkeypatch.setattr(secrets, "failures", lambda: (LookupError,))
    return vault


def load(**references: str) -> dict[str, str]:
    environ = {"OFFLOAD_SECRETS": json.dumps(references), "SECRET_KEY": "of yesterday"}
    secrets.load(environ)
    return environ


def test_each_secret_becomes_a_variable(vault: Vault) -> None:
    environ = load(SECRET_KEY="ssm:/shop/key", DATABASE_URL="secretsmanager:shop/database")

    assert environ["SECRET_KEY"] == "k" * 50
    assert environ["DATABASE_URL"] == "postgresql://db/shop"


def test_parameters_are_read_ten_at_a_time(vault: Vault) -> None:
    vault.values |= {f"/shop/{number}": str(number) for number in range(12)}

    environ = load(**{f"NUMBER_{number}": f"ssm:/shop/{number}" for number in range(12)})

    assert [len(names) for names in vault.requested] == [10, 2]
    assert environ["NUMBER_11"] == "11"


def test_keys_of_a_json_object_are_read_with_one_call(vault: Vault) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1-AbCdEf"
    vault.values["rds!db-1"] = vault.values[arn] = json.dumps(
        {"username": "shop", "password": "p", "port": 5432}
    )

    environ = load(
        DB_USER="secretsmanager:rds!db-1:username",
        DB_PASSWORD="secretsmanager:rds!db-1:password::",
        DB_PORT="secretsmanager:rds!db-1:SecretString:port",
        DB_ALL="secretsmanager:rds!db-1",
        DB_BY_ARN=f"secretsmanager:{arn}:password",
    )

    assert (environ["DB_USER"], environ["DB_PASSWORD"], environ["DB_PORT"]) == ("shop", "p", "5432")
    assert environ["DB_ALL"] == vault.values["rds!db-1"]
    assert environ["DB_BY_ARN"] == "p"
    assert vault.requested == [["rds!db-1"], [arn]]


def test_line_breaks_at_the_end_of_a_secret_are_not_part_of_it(vault: Vault) -> None:
    vault.values |= {"/shop/key": "a key\r\n", "shop/database": "of two\nlines\n"}

    environ = load(SECRET_KEY="ssm:/shop/key", LINES="secretsmanager:shop/database")

    assert (environ["SECRET_KEY"], environ["LINES"]) == ("a key", "of two\nlines")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("secretsmanager:shop/text:password", "it isn't a JSON object, so it has no keys"),
        ("secretsmanager:shop/list:password", "it isn't a JSON object, so it has no keys"),
        ("secretsmanager:shop/json:gone", "its JSON object has no value for 'gone'"),
        ("secretsmanager:shop/json:nothing", "its JSON object has no value for 'nothing'"),
        ("secretsmanager:shop/null", "it contains a null character"),
        ("secretsmanager:shop/bytes", "it contains bytes instead of text"),
        ("secretsmanager:shop/bytes:k", "it contains bytes instead of text"),
        ("secretsmanager:shop/half:k", "it contains half a character"),
        ("ssm:/shop/gone", "there is no such parameter"),
        ("secretsmanager:gone", "no secret gone"),
        ("vault:shop", "the service is unknown"),
    ],
)
def test_the_error_names_the_secret_and_shows_no_value(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, reference: str, reason: str
) -> None:
    for name, value in {"SECRET_KEY": "", "OTHER": ""}.items():
        monkeypatch.setenv(name, value)
    references = {"SECRET_KEY": "ssm:/shop/key", "OTHER": reference}
    monkeypatch.setenv("OFFLOAD_SECRETS", json.dumps(references))

    with pytest.raises(SecretUnreadable) as caught:
        secrets.load(os.environ)

    message = str(caught.value)
    assert caught.value.__cause__ is None or "k" * 50 not in str(caught.value.__cause__)
    assert message.startswith(f"The secret OTHER couldn't be read from {reference}: {reason}. ")
    assert "k" * 50 not in message


def test_without_references_no_call_is_made(vault: Vault) -> None:
    environ: dict[str, str] = {}

    secrets.load(environ)

    assert (environ, vault.requested) == ({}, [])
