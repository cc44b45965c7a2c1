"""No port of AWS on this machine obeys a stranger: a web page, a proxy or another account."""

import http.client
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from django_offload.aws import LEAN, client, failures
from django_offload.aws.explain import explain
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.environment import applied
from tests.unit.local.strangers import STRANGE, UNSIGNED, Head, signed

from .templates import stack

REGION, STACK = "eu-south-2", "strangers"
FUNCTION = f"{STACK}-worker"
CONFIGURATION = f"/2015-03-31/functions/{FUNCTION}/configuration"
RUNTIME = "/2018-06-01/runtime"
EVIL = json.dumps({"Handler": "pty.spawn", "Environment": {"Variables": {"BROWSER": "evil"}}}).encode()
# What strangers may want: to delete everything, to read, to change a function, to run it, to take its events.
WANTED = [
    ("POST", "/moto-api/reset", b""),
    ("GET", "/", b""),
    ("GET", "/moto-api/data.json", b""),
    ("PUT", CONFIGURATION, EVIL),
    ("POST", CONFIGURATION, EVIL),
    ("POST", f"/2015-03-31/functions/{FUNCTION}/invocations", b"{}"),
    ("DELETE", f"/2015-03-31/functions/{FUNCTION}", b""),
    ("POST", "/", b"Action=DeleteStack&Version=2010-05-15&StackName=" + STACK.encode()),
    ("GET", f"{RUNTIME}/invocation/next", b""),
    ("POST", f"{RUNTIME}/init/error", b"{}"),
]


class Ports:
    """AWS on this machine with a worker that has run, and the ports that it listens on."""

    def __init__(self, aws: LocalAWS, runtime_ports: set[int]) -> None:
        self.aws, self.runtime = aws, runtime_ports
        self.key = aws.environment["AWS_ACCESS_KEY_ID"]
        self.signed = {
            int(aws.environment[name].rpartition(":")[2])
            for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA")
        }

    def state(self) -> dict[str, Any]:
        """Return what strangers would change."""
        service = self.aws.server.client
        sqs, functions = service("sqs"), service("lambda")
        url = sqs.get_queue_url(QueueName=STACK)["QueueUrl"]
        function = functions.get_function_configuration(FunctionName=FUNCTION)
        (pid,) = self.aws.invoker.inner.pids(FUNCTION)
        return {
            "messages": sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"],
            "function": [function["Handler"], function["Environment"], function["CodeSha256"]],
            "stacks": [
                stack["StackStatus"] for stack in service("cloudformation").describe_stacks()["Stacks"]
            ],
            "buckets": [bucket["Name"] for bucket in service("s3").list_buckets()["Buckets"]],
            "worker": pid,
        }


def listening() -> set[tuple[str, int]]:
    """Return the addresses, as the kernel writes them, and the ports on which this process listens."""
    inodes = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))
        except FileNotFoundError:  # The descriptor of this listing.
            continue
        if match:
            inodes.add(match[1])
    lines = [
        line for name in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{name}").read_text().splitlines()
    ]
    rows = [line.split() for line in lines]
    addresses = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in inodes]
    return {(address, int(port, 16)) for address, port in addresses}


def listening_ports() -> set[int]:
    """Return the ports on which this process listens."""
    return {port for _, port in listening()}


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    before = listening_ports()
    with LocalAWS(
        region=REGION, templates=stack(STACK, "describe"), concurrency=1, log=lambda line: None
    ) as aws:
        client = aws.server.client("sqs")
        client.create_queue(QueueName="unread")
        # The worker that this invocation starts waits for its next event on its own port.
        assert not aws.invoker.invoke(aws.functions.get(FUNCTION), b"{}").failed
        found = Ports(aws, set())
        found.runtime = listening_ports() - before - found.signed
        yield found


def send(port: int, head: Head, body: bytes) -> bytes:
    """Send a request as it is, and return the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encoded(body))
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_every_port_is_known(ports: Ports) -> None:
    """The tests below play every port, so a new one is tried too."""
    assert len(ports.signed) == 2
    assert len(ports.runtime) == 1


def test_t14_every_port_of_local_aws_is_bound_to_loopback_alone(ports: Ports) -> None:
    loopback = int.from_bytes(socket.inet_aton("127.0.0.1"), sys.byteorder)

    of_aws = {address for address, port in listening() if port in ports.signed | ports.runtime}

    assert of_aws == {f"{loopback:08X}"}


@pytest.mark.parametrize("name", STRANGE | UNSIGNED)
def test_no_port_obeys_a_stranger(ports: Ports, name: str) -> None:
    before, answers = ports.state(), []

    for port in ports.signed | (ports.runtime if name in STRANGE else set()):
        for method, target, body in WANTED:
            head = signed(method, target, port=port, access_key=ports.key)
            answers.append(send(port, (STRANGE | UNSIGNED)[name](head, port), body))

    assert {answer.split(b" ", 2)[1] for answer in answers} == {b"403"}
    assert not [answer for answer in answers if b"access-control" in answer.lower()]
    assert all(b"<Message>" in answer or b'"message": ' in answer for answer in answers)
    assert ports.state() == before


@pytest.mark.parametrize(
    "lines",
    [
        b"Origin : https://page.example",
        b"no header\r\nOrigin: https://page.example",
        b"no header\r\nSec-Fetch-Site: cross-site",
    ],
)
def test_nothing_hides_behind_a_malformed_line(ports: Ports, lines: bytes) -> None:
    for port in ports.signed | ports.runtime:
        head = signed("POST", "/moto-api/reset", port=port, access_key=ports.key)
        request = head.encoded().replace(b"\r\nContent-Length", b"\r\n" + lines + b"\r\nContent-Length")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)

            assert connection.recv(65_536).startswith(b"HTTP/1.1 403 ")


def test_a_refused_request_sends_no_body(ports: Ports) -> None:
    """The server answers before it asks for the body, so that nothing of it is read."""
    for port in ports.signed | ports.runtime:
        head = signed("PUT", "/bucket/key", port=port, access_key=ports.key).plus(
            ("Origin", "null"), ("Expect", "100-continue")
        )
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head.encoded().replace(b"Content-Length: 0", b"Content-Length: 9"))

            assert connection.recv(65_536).startswith(b"HTTP/1.1 403 ")


def test_a_client_that_still_sends_reads_the_refusal(ports: Ports) -> None:
    """Closing the connection at once would end the client's next write with a reset."""
    for port in ports.signed:
        head = signed("PUT", "/2015-03-31/functions/x/code", port=port, access_key="LOCALOLD")
        request = head.encoded().replace(b"Content-Length: 0", b"Content-Length: 100000")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            connection.recv(1, socket.MSG_PEEK)  # Wait for the answer.
            for _ in range(100):
                connection.sendall(b"x" * 1000)

            answer = b"".join(iter(lambda: connection.recv(65_536), b""))

        assert answer.startswith(b"HTTP/1.1 403 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["__type"] == "InvalidClientTokenId"


CALLS = {
    "sqs": "list_queues",
    "dynamodb": "list_tables",
    "s3": "list_buckets",
    "lambda": "list_functions",
    "cloudformation": "list_stacks",
    "cloudwatch": "list_metrics",
    "events": "list_rules",
    "iam": "list_roles",
    "sns": "list_topics",
    "ssm": "describe_parameters",
    "secretsmanager": "list_secrets",
    "sts": "get_caller_identity",
}


@pytest.mark.parametrize("service", CALLS)
def test_a_client_from_an_old_terminal_says_what_to_do(ports: Ports, service: str) -> None:
    import boto3
    from botocore.exceptions import ClientError

    session = boto3.Session("LOCALOLD", "local", region_name=REGION)

    with pytest.raises(ClientError) as caught:
        getattr(session.client(service), CALLS[service])()

    assert caught.value.response["Error"]["Code"] == "InvalidClientTokenId"
    assert caught.value.response["Error"]["Message"].endswith("again (. .offload/env).")
    assert getattr(ports.aws.server.client(service), CALLS[service])()


def test_our_own_client_says_it_too(ports: Ports) -> None:
    with (
        applied({**ports.aws.environment, "AWS_ACCESS_KEY_ID": "LOCALOLD"}),
        pytest.raises(failures()) as caught,
    ):
        client("sqs", LEAN).get_queue_url(QueueName=STACK)

    assert "new at each start" in str(explain(caught.value))


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_is_served_except_to_a_browser(ports: Ports, version: str) -> None:
    import boto3
    from botocore.config import Config

    # The default session may have read the key of an earlier start.
    s3 = boto3.Session().client("s3", config=Config(signature_version=version))
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    s3.put_object(Bucket=bucket, Key="shown", Body=b"a picture")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "shown"})

    assert fetched(url) == (200, b"a picture")
    status, answer = fetched(url, **{"Sec-Fetch-Mode": "navigate"})
    assert status == 403
    assert b"open a presigned URL with curl" in answer


def fetched(url: str, **headers: str) -> tuple[int, bytes]:
    """Return the status and the body of what a URL names."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body
