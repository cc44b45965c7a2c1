"""A deployment restarts functions only if their secrets have changed."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.deploy.release.deployment import Deployment
from django_offload.deploy.release.secret_versions import fingerprint

SECRETS = {"SECRET_KEY": "ssm:/shop/key", "TOKEN": "secretsmanager:shop/token"}


class Gone(Exception):
    """The secret does not exist."""


class Vault:
    """Systems Manager and Secrets Manager, without values."""

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
        (parameter_filter,) = ParameterFilters
        assert (parameter_filter["Key"], parameter_filter["Option"]) == ("Name", "Equals")
        assert len(parameter_filter["Values"]) <= 50
        # One page per parameter, and an empty page.
        return [
            *(
                {"Parameters": [{"Name": name, "Version": self.parameters[name]}]}
                for name in parameter_filter["Values"]
                if name in self.parameters
            ),
            {"Parameters": []},
        ]

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        if SecretId not in self.secrets:
            raise Gone
        return {"VersionIdsToStages": self.secrets[SecretId]}


def test_unchanged_secrets_have_the_same_fingerprint() -> None:
    assert fingerprint(Vault(), SECRETS) == fingerprint(Vault(), dict(reversed(SECRETS.items())))
    assert fingerprint(Vault(), {}) == fingerprint(Vault(), {})


def test_a_new_version_of_a_secret_changes_the_fingerprint() -> None:
    parameter, secret, missing = Vault(), Vault(), Vault()
    parameter.parameters["/shop/key"] = 2
    secret.secrets["shop/token"] = {"b": ["AWSCURRENT"], "a": ["AWSPREVIOUS"]}
    missing.parameters.clear()
    missing.secrets.clear()

    fingerprints = {fingerprint(vault, SECRETS) for vault in (Vault(), parameter, secret, missing)}

    assert len(fingerprints) == 4
    assert None not in fingerprints


def test_keys_of_one_secret_share_its_version() -> None:
    vault = Vault()
    secrets = {"NAME": "secretsmanager:shop/token:name", "KEY": "secretsmanager:shop/token:key"}
    before = fingerprint(vault, secrets)

    vault.secrets["shop/token"] = {"b": ["AWSCURRENT"]}

    assert before not in {None, fingerprint(vault, secrets), fingerprint(vault, {"NAME": secrets["NAME"]})}


def test_sixty_parameters_are_read_with_two_requests() -> None:
    vault = Vault()
    vault.parameters = {f"/shop/{number}": 1 for number in range(60)}
    secrets = {f"NUMBER_{number}": f"ssm:/shop/{number}" for number in range(60)}
    before = fingerprint(vault, secrets)

    vault.parameters["/shop/9"] = 2  # One of the last in their order.

    assert fingerprint(vault, secrets) != before


@pytest.mark.parametrize("refuses", [False, True])
def test_the_release_parameter_is_the_fingerprint_or_else_a_new_id(refuses: bool) -> None:
    deployment, vault = Deployment.__new__(Deployment), Vault()
    vault.refuses = refuses
    stage_environment = SimpleNamespace(secrets=SECRETS)
    deployment.aws = vault  # type: ignore[assignment]
    deployment.stage = SimpleNamespace(stage_environment=stage_environment, parameters={})  # type: ignore[assignment]
    new_id = "20261128T152654123456Z-0123abcd"
    deployment.releases = SimpleNamespace(bucket="code", new_id=lambda key: new_id)  # type: ignore[assignment]
    deployment.web = SimpleNamespace(function="shop-dev")  # type: ignore[assignment]
    deployment.table = lambda: None  # type: ignore[method-assign]

    parameters = deployment.parameters_for("code/1.zip")

    expected = new_id if refuses else fingerprint(Vault(), SECRETS)
    assert parameters["Release"] == expected
