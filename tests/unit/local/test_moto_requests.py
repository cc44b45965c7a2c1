"""How moto's server answers over connections that stay open."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import flask
import pytest

from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.guard import authorization

# No other test uses this region, because moto keeps its state by process and region, not by server.
REGION = "ap-southeast-3"
BUCKET = "stays-open"
SENDING = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with MotoServer(region=REGION) as server:
        server.client("sqs").create_queue(QueueName="open")
        location = {"LocationConstraint": REGION}
        server.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
        yield server


@pytest.fixture
def connection(server: MotoServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.connect()
    yield connection
    connection.close()


def signed(server: MotoServer, service: str = "s3", **headers: str) -> dict[str, str]:
    scope = f"{server.access_key}/20261130/{REGION}/{service}/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        **headers,
    }


def send(server: MotoServer, connection: http.client.HTTPConnection, text: str) -> tuple[int, Any]:
    body = json.dumps({"QueueUrl": f"{server.endpoint}/123456789012/open", "MessageBody": text})
    connection.request("POST", "/", body, {**signed(server, "sqs"), **SENDING})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_one_connection_carries_the_calls_of_several_services(
    server: MotoServer, connection: http.client.HTTPConnection
) -> None:
    port = connection.sock.getsockname()[1]

    status, answer = send(server, connection, "one")
    assert (status, len(answer["MessageId"])) == (200, 36)
    for key, body in ("sized", b"12345"), ("chunked", iter([b"123", b"45"])):
        connection.request("PUT", f"/{BUCKET}/{key}", body, signed(server), encode_chunked=True)
        assert connection.getresponse().read() == b""
        connection.request("HEAD", f"/{BUCKET}/{key}", headers=signed(server))
        response = connection.getresponse()
        assert (response.getheader("Content-Length"), response.read()) == ("5", b"")
        connection.request("GET", f"/{BUCKET}/{key}", headers=signed(server))
        assert connection.getresponse().read() == b"12345"
        connection.request("DELETE", f"/{BUCKET}/{key}", headers=signed(server))
        response = connection.getresponse()
        assert (response.status, response.read()) == (204, b"")

    assert connection.sock.getsockname()[1] == port


def test_a_stranger_s_request_ends_a_connection_that_was_served_before(
    server: MotoServer, connection: http.client.HTTPConnection
) -> None:
    assert send(server, connection, "mine")[0] == 200
    connection.auto_open = 0

    connection.request("POST", "/moto-api/reset")
    response = connection.getresponse()

    assert (response.status, response.getheader("Connection")) == (403, "close")
    response.read()
    with pytest.raises(http.client.NotConnected):
        send(server, connection, "mine again")


@pytest.mark.parametrize(
    "lengths",
    [
        ("Content-Length: 0", "Content-Length: 5"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: -1",),
        ("Content-Length: +5",),
        ("Content-Length: five",),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ],
    ids=", ".join,
)
def test_no_second_request_hides_in_a_body_of_unclear_length(
    server: MotoServer, connection: http.client.HTTPConnection, lengths: tuple[str, ...]
) -> None:
    allowed = [f"Host: 127.0.0.1:{server.port}", f"Authorization: {authorization(server.access_key)}"]
    reset = "\r\n".join(["POST /moto-api/reset HTTP/1.1", *allowed, "Content-Length: 0", "", ""])
    request = "\r\n".join([f"PUT /{BUCKET}/hiding HTTP/1.1", *allowed, *lengths, "", reset])

    connection.sock.sendall(request.encode())
    answer = b"".join(iter(lambda: connection.sock.recv(65_536), b""))

    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400 The length of the request's body isn't clear.")
    assert server.client("sqs").list_queues()["QueueUrls"]


@pytest.mark.parametrize("head", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_part_of_a_body_is_stored_nowhere(
    server: MotoServer, connection: http.client.HTTPConnection, head: str
) -> None:
    allowed = [f"Host: 127.0.0.1:{server.port}", f"Authorization: {authorization(server.access_key)}"]
    part = "5\r\n12345\r\n" if "chunked" in head else "12345"
    request = "\r\n".join([f"PUT /{BUCKET}/part HTTP/1.1", *allowed, head, "", part])

    connection.sock.sendall(request.encode())
    connection.sock.shutdown(socket.SHUT_WR)

    assert b"".join(iter(lambda: connection.sock.recv(65_536), b"")) == b""
    names = [entry["Key"] for entry in server.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    assert "part" not in names


def test_an_error_in_moto_is_one_answer_and_not_the_end_of_the_connection(
    server: MotoServer,
    connection: http.client.HTTPConnection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from moto.sqs.models import SQSBackend

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("a defect in moto")

    with monkeypatch.context() as patch:
        patch.setattr(SQSBackend, "send_message", fail)
        connection.request(
            "POST",
            "/",
            json.dumps({"QueueUrl": "open", "MessageBody": "x"}),
            {**signed(server, "sqs"), **SENDING},
        )
        response = connection.getresponse()
        assert (response.status, b"Internal Server Error" in response.read()) == (500, True)

    assert "RuntimeError: a defect in moto" in caplog.text
    assert send(server, connection, "next")[0] == 200


def test_a_refused_call_is_answered_as_aws_does(server: MotoServer) -> None:
    sqs, dynamodb = server.client("sqs"), server.client("dynamodb")

    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=f"{server.endpoint}/123456789012/none", MessageBody="x")
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.get_item(TableName="none", Key={"id": {"S": "1"}})


def test_frequent_calls_take_the_direct_way_and_others_go_through_flask(
    server: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_by_flask = []
    wsgi_app = flask.Flask.wsgi_app
    monkeypatch.setattr(
        flask.Flask, "wsgi_app", lambda *args: (served_by_flask.append(args[1]), wsgi_app(*args))[1]
    )

    server.client("sqs").list_queues()
    server.client("dynamodb").list_tables()
    assert served_by_flask == []
    assert server.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert len(served_by_flask) == 1
