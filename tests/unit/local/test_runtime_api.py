"""The Runtime API, called as AWS's runtime client does."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_offload.aws.loopback import LOOPBACK
from django_offload.local import peer
from django_offload.local.lambda_.invoker import Outcome
from django_offload.local.lambda_.runtime_api import (
    PAYLOAD_LIMIT,
    FunctionInvocation,
    ProcessReport,
    RuntimeApi,
)

from .fakes import function

NEXT = "/2018-06-01/runtime/invocation/next"


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    yield api
    api.close()


def ask(address: str, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def answer_path(request_id: str, kind: str = "response") -> str:
    return f"/2018-06-01/runtime/invocation/{request_id}/{kind}"


def invocation(request_id: str = "00000000-0000-4000-8000-000000000001") -> FunctionInvocation:
    return FunctionInvocation(id=request_id, function=function(), event=b'{"n": 1}')


def test_an_event_is_fetched_with_its_headers(api: RuntimeApi) -> None:
    api.offer(invocation())

    before = time.time()
    status, headers, body = ask(api.address, "GET", NEXT)

    assert (status, json.loads(body)) == (200, {"n": 1})
    assert headers["Lambda-Runtime-Aws-Request-Id"] == invocation().id
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == function().arn
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert 2.9 < int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - before < 4
    assert api.wait(1) == (ProcessReport.FETCHED, None)


def test_a_response_is_the_outcome(api: RuntimeApi) -> None:
    api.offer(invocation())
    ask(api.address, "GET", NEXT)

    status, _, _ = ask(api.address, "POST", answer_path(invocation().id), b'{"ok": true}')

    assert status == 202
    assert [api.wait(1) for _ in range(2)][1] == (ProcessReport.RESPONDED, Outcome(payload=b'{"ok": true}'))


def test_an_error_is_a_failed_outcome(api: RuntimeApi) -> None:
    api.offer(invocation())
    ask(api.address, "GET", NEXT)

    ask(
        api.address, "POST", answer_path(invocation().id, "error"), b'{"errorType": "E", "errorMessage": "m"}'
    )

    report, outcome = [api.wait(1) for _ in range(2)][1]
    assert report is ProcessReport.RESPONDED
    assert outcome is not None
    assert (outcome.failed, outcome.error) == (True, "E: m")


def test_an_init_error_says_that_the_process_ends(api: RuntimeApi) -> None:
    body = b'{"errorType": "Runtime.ImportModuleError", "errorMessage": "m"}'

    status, _, _ = ask(api.address, "POST", "/2018-06-01/runtime/init/error", body)

    assert status == 202
    assert api.wait(1) == (ProcessReport.ENDED, Outcome(payload=body, failed=True))


@pytest.mark.parametrize("request_id", ["another", ""])
def test_an_answer_to_another_invocation_is_refused(api: RuntimeApi, request_id: str) -> None:
    api.offer(invocation())
    ask(api.address, "GET", NEXT)

    status, _, body = ask(api.address, "POST", answer_path(request_id), b"null")

    assert status == 400
    assert json.loads(body)["errorType"] == "InvalidRequestID"


def test_a_second_answer_is_refused(api: RuntimeApi) -> None:
    api.offer(invocation())
    ask(api.address, "GET", NEXT)
    ask(api.address, "POST", answer_path(invocation().id), b"null")

    status, _, _ = ask(api.address, "POST", answer_path(invocation().id), b"null")

    assert status == 400


def test_a_response_over_the_limit_is_an_error(api: RuntimeApi) -> None:
    api.offer(invocation())
    ask(api.address, "GET", NEXT)

    ask(api.address, "POST", answer_path(invocation().id), b"x" * (PAYLOAD_LIMIT + 1))

    _, outcome = [api.wait(1) for _ in range(2)][1]
    assert outcome is not None
    assert outcome.error.startswith("Function.ResponseSizeTooLarge: ")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("POST", "/2018-06-01/runtime/what/ever/this/is")]
)
def test_other_paths_are_not_found(api: RuntimeApi, method: str, path: str) -> None:
    assert ask(api.address, method, path, b"")[0] == 404


def test_a_request_that_a_dead_process_left_open_takes_no_event_of_its_successor() -> None:
    old, new = RuntimeApi(), RuntimeApi()
    responses: list[bytes] = []

    def left_open() -> None:
        try:
            responses.append(ask(old.address, "GET", NEXT)[2])
        except (OSError, http.client.HTTPException):
            responses.append(b"ended")

    thread = threading.Thread(target=left_open, daemon=True)
    thread.start()
    old.close()
    new.offer(invocation())

    assert ask(new.address, "GET", NEXT)[2] == b'{"n": 1}'
    thread.join(5)
    new.close()
    assert responses == [b"ended"]


def test_another_account_of_this_machine_gets_no_event(
    api: RuntimeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = os.getuid()
    monkeypatch.setattr(peer.os, "getuid", lambda: own + 1)
    api.offer(invocation())

    with pytest.raises(OSError, match=r"reset|without response"):
        ask(api.address, "GET", NEXT)

    monkeypatch.setattr(peer.os, "getuid", lambda: own)
    assert ask(api.address, "GET", NEXT)[0] == 200


def test_the_account_of_a_connection_is_found_in_the_table() -> None:
    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()[:2]):
        connection, _ = server.accept()
        with connection:
            assert peer.is_own_account(connection)


def test_a_connection_that_is_in_no_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tcp").write_text("  sl  local_address rem_address   st\n")
    monkeypatch.setattr(peer, "TABLE", str(tmp_path / "tcp"))

    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()[:2]):
        connection, _ = server.accept()
        with connection:
            assert not peer.is_own_account(connection)
            monkeypatch.setattr(peer, "TABLE", str(tmp_path / "missing"))
            assert peer.is_own_account(connection)
