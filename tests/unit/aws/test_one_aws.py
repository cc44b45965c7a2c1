"""All clients of a development process lead to the same AWS, also if a local one starts or ends."""

import socket
import threading
from dataclasses import replace
from typing import Any

import pytest

from django_offload.aws import BOTO3, LEAN, client, clients, development, failures
from django_offload.aws.development import Session
from django_offload.exceptions import LocalAWSMissing
from django_offload.local.environment import env_file
from tests.unit.aws.development import STACK, TASKS

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
@pytest.mark.parametrize("kind", [LEAN, BOTO3])
def test_an_endpoint_that_is_ignored_allows_no_aws(
    monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")

    with pytest.raises(LocalAWSMissing):
        client("sqs", kind)


def test_no_proxy_sees_a_call_of_the_local_aws(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy, env_file(session):
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(failures()):
            client("lambda", BOTO3).get_function(FunctionName="none")
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize("kind", [LEAN, BOTO3])
def test_a_local_aws_that_starts_later_replaces_the_clients_of_aws(
    session: Session, settings: Any, kind: str
) -> None:
    settings.TASKS = {"default": {**TASKS["default"], "OPTIONS": {"stack": STACK, "aws_in_debug": True}}}
    assert client("dynamodb", kind).meta.endpoint_url == "https://dynamodb.eu-west-1.amazonaws.com"

    with env_file(session):
        endpoints = {client(service, kind).meta.endpoint_url for service in ("sqs", "dynamodb")}

    assert endpoints == {"http://127.0.0.1:9"}


@pytest.mark.parametrize("kind", [LEAN, BOTO3])
def test_a_thread_that_sees_the_end_of_a_local_aws_late_drops_no_new_one(
    session: Session, settings: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings.TASKS = {"default": {**TASKS["default"], "OPTIONS": {"stack": STACK, "aws_in_debug": True}}}
    with env_file(session):
        client("sqs", kind)
    stale = clients._local_aws
    assert stale is not None
    look, finders = development.FoundSession.is_current.fget, []

    def is_current(found: development.FoundSession) -> bool:
        """While the first thread looks at the file of the ended one, another thread finds the new one."""
        current: bool = look(found)  # type: ignore[misc]
        if not finders:
            finders.append(threading.Thread(target=client, args=("sqs", kind)))
            finders[0].start()
            finders[0].join()
        return current

    again = replace(session, variables={**session.variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:10"})
    with env_file(again):
        monkeypatch.setattr(development.FoundSession, "is_current", property(is_current))
        client("dynamodb", kind)
        new = clients._local_aws
        assert new is not None
        assert new.session == again
        held = clients._lean_clients if kind == LEAN else clients._clients
        assert len(held) == 2  # That of the other thread, too.
