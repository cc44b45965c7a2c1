"""A deployment warns of fallback keys that are older than any message."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from django_offload.deploy.release.aws import AWS
from django_offload.deploy.release.old_fallbacks import fallback_warnings

REGION = "eu-central-1"
SECRETS = {
    "SECRET_KEY": "ssm:/shop/key",
    "SECRET_KEY_FALLBACKS": "ssm:/shop/fallbacks",
    "OLD_KEY_FALLBACK": "secretsmanager:shop:fallback",
    "KEY_FALLBACK_OF_NOBODY": "ssm:/shop/gone",
    "KEY_FALLBACK_OF_NOTHING": "secretsmanager:gone",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AWS]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-tests-only")
    with mock_aws():
        made = AWS(REGION)
        for name in ("/shop/key", "/shop/fallbacks"):
            made.client("ssm").put_parameter(Name=name, Value="a key", Type="SecureString")
        made.client("secretsmanager").create_secret(Name="shop", SecretString='{"fallback": "a key"}')
        yield made


def test_a_fallback_that_is_older_than_any_message_is_named(aws: AWS) -> None:
    now = datetime.now(UTC)

    first, second = fallback_warnings(aws, SECRETS, now + timedelta(days=23))

    assert first.startswith(
        f"OLD_KEY_FALLBACK was last changed on {now:%Y-%m-%d}, and no message is older than"
    )
    assert second.startswith("SECRET_KEY_FALLBACKS was last changed on")
    assert second.endswith("Remove its keys, because whoever has one of them can sign messages.")


def test_a_fallback_that_a_message_may_need_is_not_named(aws: AWS) -> None:
    assert list(fallback_warnings(aws, SECRETS, datetime.now(UTC) + timedelta(days=21))) == []


def test_no_other_secret_is_named_however_old(aws: AWS) -> None:
    secrets = {"SECRET_KEY": "ssm:/shop/key"}

    assert list(fallback_warnings(aws, secrets, datetime.now(UTC) + timedelta(days=4_000))) == []
