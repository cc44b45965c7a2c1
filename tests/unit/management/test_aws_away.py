"""If AWS doesn't answer, every command that needs it prints one line and exits with code 2."""

import pytest

from django_offload.aws import clients
from django_offload.conf import CLIENTS
from tests.unit.management.commands import run

pytestmark = pytest.mark.django_db


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
@pytest.mark.parametrize(
    "command",
    [
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
    ],
    ids=" ".join,
)
def test_where_aws_does_not_answer_one_sentence_says_what_to_do(command):
    code, output = run(*command)

    assert code == 2
    assert output.startswith("AWS was not reached: Could not connect to the endpoint URL")
    assert output.endswith("Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local.")
    assert "\n" not in output
