"""If AWS doesn't answer, every command that needs it prints one line and exits with code 2."""

import time
from importlib import import_module
from types import SimpleNamespace

import pytest

from django_offload.aws import READ_SECONDS, client, clients, each_at_most
from django_offload.conf import CLIENTS
from tests.unit.aws.server import Scripted, says
from tests.unit.management.commands import run
from tests.unit.silence import PATIENCE_SECONDS, calling, silent_server

pytestmark = pytest.mark.django_db

COMMANDS = [
    ["offload_status"],
    ["offload_sweep"],
    ["offload_result", "0" * 32],
    ["offload_dead", "list"],
    ["offload_dead", "show", "0" * 32],
    ["offload_dead", "show", "dead/x"],
    ["offload_dead", "redrive", "--all"],
    ["offload_dead", "discard", "0" * 32],
    ["offload_doctor"],
    ["offload_doctor", "--json"],
]


@pytest.fixture(params=CLIENTS)
def away(settings, ours, monkeypatch, request):
    """Use an endpoint on this machine where nothing listens."""
    for alias in ours.values():
        alias["OPTIONS"] |= {"client": request.param, "in_tests": "send"}
    settings.TASKS = {**ours}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(clients, "TRIES", 1)
    clients.reset_clients()
    yield
    clients.reset_clients()


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_aws_does_not_answer_one_sentence_says_what_to_do(command):
    code, output = run(*command)

    assert code == 2
    assert output.startswith("AWS was not reached: Could not connect to the endpoint URL")
    assert output.endswith("Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local.")
    assert "\n" not in output


@pytest.mark.parametrize("kind", CLIENTS)
def test_each_call_of_a_command_has_its_own_time(settings, ours, monkeypatch, kind):
    server = Scripted(*[says(b'{"TableNames": []}')] * 3)
    now = time.monotonic()
    try:
        with calling(settings, ours, kind, server.url), each_at_most(READ_SECONDS):
            dynamodb = client("dynamodb", kind)
            monkeypatch.setattr("django_offload.aws.time_budget.time", SimpleNamespace(monotonic=lambda: now))
            for _ in range(3):  # Each takes 4 seconds.
                assert dynamodb.get_item(TableName="t", Key={"id": {"S": "1"}}) is not None
                now += 4
    finally:
        server.close()

    assert len(server.requests) == 3


@pytest.mark.parametrize("client", CLIENTS)
def test_where_aws_is_silent_every_command_says_so_in_time(settings, ours, monkeypatch, client):
    with silent_server() as url, calling(settings, ours, client, url):
        for name, *arguments in {command[0]: command for command in COMMANDS}.values():
            command = import_module(f"django_offload.management.commands.{name}").Command
            assert command.seconds_a_call == READ_SECONDS == 5
            monkeypatch.setattr(command, "seconds_a_call", PATIENCE_SECONDS)
            began = time.monotonic()

            code, output = run(name, *arguments)

            monkeypatch.undo()
            assert code == 2
            assert output.startswith("AWS was not reached: ")
            assert time.monotonic() - began < 10 * PATIENCE_SECONDS
