"""OffloadCommand: exit codes, errors in one line, output for people and for programs."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from django.core.management import CommandError, call_command

from django_offload.aws.lean.response import Response
from django_offload.aws.lean.services import DynamoDB
from django_offload.exceptions import ConfigurationError, NoAnswer, Refusal
from django_offload.management.base import OffloadCommand


class Command(OffloadCommand):
    help = "Do something."
    example = "manage.py offload_something\nmanage.py offload_something --json"

    def __init__(self, raising: BaseException | None = None, code: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.raising, self.code = raising, code

    def run(self, **options: Any) -> int:
        if self.raising:
            raise self.raising
        self.write_line("for readers")
        self.write_table(["queue", "waiting"], [["default", 7], ["reports", 1200]])
        self.write_json({"at": datetime(2026, 1, 2, tzinfo=UTC)})
        return self.code


def run(command: Command, *args: str) -> str:
    out = StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue()


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "it said\nno"}}, "GetItem")


def refusal(code: str) -> Refusal:
    body = json.dumps({"__type": code, "message": "it said\nno"}).encode()
    return DynamoDB().refusal("GetItem", Response(400, {}, body))


def test_readers_get_lines_and_aligned_columns() -> None:
    assert run(Command()) == "for readers\nqueue    waiting\ndefault        7\nreports     1200\n"


def test_json_prints_nothing_but_json() -> None:
    assert json.loads(run(Command(), "--json")) == {"at": "2026-01-02T00:00:00Z"}


def test_a_table_without_rows_is_its_headings() -> None:
    out = StringIO()
    Command(stdout=out).write_table(["queue", "waiting"], [])

    assert out.getvalue() == "queue  waiting\n"


@pytest.mark.parametrize("code", [1, 2])
def test_the_answer_is_the_exit_code(code: int) -> None:
    with pytest.raises(SystemExit) as exited:
        run(Command(code=code))

    assert exited.value.code == code


@pytest.mark.parametrize(
    ("error", "text", "hint"),
    [
        (ConfigurationError("default", "Bad.", "Mend it."), "TASKS['default']: Bad.", "Mend it."),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "127.0.0.1:1", "AWS_ENDPOINT_URL"),
        (NoCredentialsError(), "Unable to locate credentials", "AWS_PROFILE"),
        (NoRegionError(), "must specify a region", "Set AWS_DEFAULT_REGION."),
        (client_error("ResourceNotFoundException"), "AWS refused GetItem", "Deploy the stack"),
        (refusal("ResourceNotFoundException"), "AWS refused GetItem", "Deploy the stack"),
        (
            NoAnswer("http://q", "No answer from"),
            'not reached: No answer from "http://q".',
            "AWS_ENDPOINT_URL",
        ),
        (client_error("ExpiredToken"), "ExpiredToken: it said no.", "Renew the credentials"),
        (client_error("AccessDenied"), "AccessDenied", "Allow this action"),
        (FileNotFoundError(2, "No such file", "/x/y.txt"), "/x/y.txt: No such file.", "Name another file"),
        (client_error("Teapot"), "Teapot", "AWS's documentation"),
    ],
)
def test_an_error_becomes_one_sentence_and_exit_code_2(error: Exception, text: str, hint: str) -> None:
    with pytest.raises(CommandError) as raised:
        run(Command(raising=error))

    assert raised.value.returncode == 2
    assert text in str(raised.value)
    assert hint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_errors_that_a_client_makes_for_its_service_are_explained_too() -> None:
    sqs = boto3.client("sqs", region_name="eu-central-1")
    error = sqs.exceptions.QueueDoesNotExist(
        {"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "X"
    )

    with pytest.raises(CommandError, match="Deploy the stack"):
        run(Command(raising=error))


def test_other_errors_are_bugs_and_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(Command(raising=ZeroDivisionError()))


def test_commands_say_what_is_wrong_with_code_1_and_what_is_unusable_with_code_2() -> None:
    assert (Command().failure("Stale.").returncode, Command().usage_error("Which?").returncode) == (1, 2)


def test_help_shows_the_example_line_by_line() -> None:
    shown = Command().create_parser("manage.py", "offload_something").format_help()

    assert "example:\n  manage.py offload_something\n  manage.py offload_something --json\n" in shown


def test_on_the_command_line_the_sentence_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        Command(raising=NoRegionError()).run_from_argv(["manage.py", "offload_something"])

    captured = capsys.readouterr()
    assert exited.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
