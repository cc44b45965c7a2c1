"""Migrations, invoked over a wire that can fail."""

from types import SimpleNamespace

import pytest

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
    """Give keys, and return what calls AWS from here."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return AWS("eu-west-1")


@pytest.mark.parametrize("answer", [closes, BROKEN], ids=["broken off", "refused by something between"])
def test_migrations_that_give_no_answer_are_not_begun_again(aws, monkeypatch, answer):
    server = Scripted(ACTIVE, answer)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)

    with pytest.raises(MigrationFailed, match="shop-dev-migrate"):
        migrations.migrate(aws, STAGE, print)

    server.close()
    assert [request.split()[0] for request in server.requests] == [b"GET", b"POST"]


def test_their_function_gets_the_code_and_what_it_is_built_for():
    done = []

    class Lambda:
        def get_waiter(self, name):
            return SimpleNamespace(wait=lambda **asked: done.append(name))

        def __getattr__(self, name):
            return lambda **asked: done.append((name, asked))

    aws = SimpleNamespace(client=lambda service: Lambda())
    stage = SimpleNamespace(options=STAGE.options, architecture="arm64", runtime="python3.12")

    migrations.give_code(aws, stage, "code", "key")

    name = {"FunctionName": "shop-dev-migrate"}
    code = {"S3Bucket": "code", "S3Key": "key", "Architectures": ["arm64"]}
    assert done == [
        ("update_function_code", {**name, **code}),
        "function_updated_v2",
        ("update_function_configuration", {**name, "Runtime": "python3.12"}),
        "function_updated_v2",
    ]


def test_migrations_are_waited_for_as_long_as_they_may_take(aws, monkeypatch):
    made = []

    def patient(self, service, seconds):
        made.append(seconds)
        return PATIENT(self, service, seconds)

    server = Scripted(ACTIVE, says(b'{"said": []}'))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    monkeypatch.setattr(AWS, "patient", patient)
    aws.client("lambda")

    migrations.migrate(aws, STAGE, print)

    server.close()
    assert made[0] > limits.seconds(limits.MIGRATION_TIMEOUT)
    assert aws.patient("lambda", 910).meta.config.read_timeout == 910
