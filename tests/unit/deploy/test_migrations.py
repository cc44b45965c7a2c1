"""Migrations, over a connection that can fail."""

from types import SimpleNamespace

import pytest

from django_offload.aws.explain import explain
from django_offload.deploy.errors import MigrationFailed
from django_offload.deploy.release import migrations
from django_offload.deploy.release.aws import AWS
from django_offload.stack import limits
from tests.unit.aws.server import Scripted, closes, says

ACTIVE = says(b'{"Configuration": {"State": "Active"}}')
BROKEN = says(b"{}", "502 Bad Gateway")
PATIENT = AWS.patient
STAGE = SimpleNamespace(options=SimpleNamespace(function=lambda role: f"shop-dev-{role}"))


@pytest.fixture
def aws(monkeypatch):
    """Return clients of AWS that have keys."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return AWS("eu-west-1")


@pytest.mark.parametrize("response", [closes, BROKEN], ids=["closed connection", "error of a proxy"])
def test_migrations_without_a_response_are_not_started_again(aws, monkeypatch, response):
    server = Scripted(ACTIVE, response)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)

    with pytest.raises(MigrationFailed, match="shop-dev-migrate"):
        migrations.migrate(aws, STAGE, print)

    server.close()
    assert [request.split()[0] for request in server.requests] == [b"GET", b"POST"]


def test_the_function_gets_the_code_with_its_processor_and_runtime():
    calls = []

    class Lambda:
        def get_waiter(self, name):
            return SimpleNamespace(wait=lambda **arguments: calls.append(name))

        def __getattr__(self, name):
            return lambda **arguments: calls.append((name, arguments))

    aws = SimpleNamespace(client=lambda service: Lambda())
    stage = SimpleNamespace(options=STAGE.options, architecture="arm64", runtime="python3.12")

    migrations.give_code(aws, stage, "code", "key")

    name = {"FunctionName": "shop-dev-migrate"}
    code = {"S3Bucket": "code", "S3Key": "key", "Architectures": ["arm64"]}
    assert calls == [
        ("update_function_code", {**name, **code}),
        "function_updated_v2",
        ("update_function_configuration", {**name, "Runtime": "python3.12"}),
        "function_updated_v2",
    ]


def test_a_function_that_cannot_take_the_code_is_an_error_with_lambdas_reason(aws, monkeypatch):
    failed = says(
        b'{"Configuration": {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "The key is disabled."}}'
    )
    server = Scripted(says(b"{}"), failed)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    stage = SimpleNamespace(options=STAGE.options, architecture="arm64", runtime="python3.12")

    with pytest.raises(MigrationFailed) as caught:
        migrations.give_code(aws, stage, "code", "key")

    server.close()
    assert "failed in the function shop-dev-migrate: Failed: The key is disabled. Migrations that" in str(
        caught.value
    )
    assert explain(caught.value.__cause__) == (
        "AWS could not finish a change: Failed: The key is disabled. Correct the cause, then try again."
    )


def test_migrate_waits_as_long_as_the_function_may_run(aws, monkeypatch):
    timeouts = []

    def patient(self, service, seconds):
        timeouts.append(seconds)
        return PATIENT(self, service, seconds)

    server = Scripted(ACTIVE, says(b'{"said": []}'))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    monkeypatch.setattr(AWS, "patient", patient)
    aws.client("lambda")

    migrations.migrate(aws, STAGE, print)

    server.close()
    assert timeouts[0] > limits.seconds(limits.MIGRATION_TIMEOUT)
    assert aws.patient("lambda", 910).meta.config.read_timeout == 910
