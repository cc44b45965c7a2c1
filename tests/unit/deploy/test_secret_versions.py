"""A deployment starts functions anew where the secrets that they read have changed, and only there."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.deploy.release.deployment import Deployment
from django_offload.deploy.release.secret_versions import fingerprint

SECRETS = {"SECRET_KEY": "ssm:/shop/key", "TOKEN": "secretsmanager:shop/token"}


class Gone(Exception):
    """There is no such secret."""


class Vault:
    """Both of AWS's places for secrets; who asks it for a value fails."""

    exceptions = SimpleNamespace(ResourceNotFoundException=Gone)

    def __init__(self) -> None:
        self.parameters = {"/shop/key": 1}
        self.secrets = {"shop/token": {"a": ["AWSCURRENT"], "0": ["AWSPREVIOUS"]}}
        self.refuses = False
        self.is_local = False

    def client(self, service: str) -> "Vault":
        return self

    def get_paginator(self, name: str) -> "Vault":
        assert name == "describe_parameters"
        return self

    def paginate(self, *, ParameterFilters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeParameters")
        (wanted,) = ParameterFilters
        assert (wanted["Key"], wanted["Option"]) == ("Name", "Equals")
        assert len(wanted["Values"]) <= 50
        # A page for each, and a page of nothing.
        return [
            *(
                {"Parameters": [{"Name": name, "Version": self.parameters[name]}]}
                for name in wanted["Values"]
                if name in self.parameters
            ),
            {"Parameters": []},
        ]

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        if SecretId not in self.secrets:
            raise Gone
        return {"VersionIdsToStages": self.secrets[SecretId]}


def test_secrets_that_are_as_they_were_have_the_same_fingerprint() -> None:
    assert fingerprint(Vault(), SECRETS) == fingerprint(Vault(), dict(reversed(SECRETS.items())))
    assert fingerprint(Vault(), {}) == fingerprint(Vault(), {})


def test_another_version_of_any_secret_is_another_fingerprint() -> None:
    parameter, secret, gone = Vault(), Vault(), Vault()
    parameter.parameters["/shop/key"] = 2
    secret.secrets["shop/token"] = {"b": ["AWSCURRENT"], "a": ["AWSPREVIOUS"]}
    gone.parameters.clear()
    gone.secrets.clear()

    found = {fingerprint(vault, SECRETS) for vault in (Vault(), parameter, secret, gone)}

    assert len(found) == 4
    assert None not in found


def test_sixty_parameters_are_asked_for_in_two_questions() -> None:
    vault = Vault()
    vault.parameters = {f"/shop/{number}": 1 for number in range(60)}
    secrets = {f"NUMBER_{number}": f"ssm:/shop/{number}" for number in range(60)}
    before = fingerprint(vault, secrets)

    vault.parameters["/shop/9"] = 2  # Among the last, as they are sorted.

    assert fingerprint(vault, secrets) != before


@pytest.mark.parametrize("refuses", [False, True])
def test_a_deployment_hands_over_the_fingerprint_or_where_it_may_not_know_its_own_name(refuses: bool) -> None:
    made, vault = Deployment.__new__(Deployment), Vault()
    vault.refuses = refuses
    surroundings = SimpleNamespace(secrets=SECRETS)
    made.aws = vault  # type: ignore[assignment]
    made.stage = SimpleNamespace(surroundings=surroundings, parameters={})  # type: ignore[assignment]
    own = "20261128T152654123456Z-0123abcd"
    made.releases = SimpleNamespace(bucket="code", new_id=lambda key: own)  # type: ignore[assignment]
    made.web = SimpleNamespace(function="shop-dev")  # type: ignore[assignment]

    given = made.parameters_for("code/1.zip")

    wanted = own if refuses else fingerprint(Vault(), SECRETS)
    assert given["Release"] == wanted
