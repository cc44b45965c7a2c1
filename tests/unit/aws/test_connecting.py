"""Several connections are made at the same time, and each of them before its deadline."""

import errno
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from django_offload.aws import begin_together, clients, made_together, under_way
from django_offload.aws.lean import connecting
from django_offload.aws.lean.connecting import PendingConnection, SocketWait
from django_offload.conf import Options
from django_offload.exceptions import NoAnswer, Refusal
from django_offload.sending.enqueue import send
from django_offload.transports.batches import send_in_batches
from tests.contract.records import enqueued_task
from tests.unit.aws.server import says, serving
from tests.unit.local.fakes import eventually

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}
MANY = 8


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate.path)
    return certificate.context


def starters(client, count=MANY):
    return [lambda: client.begin("get_item", **GET).result] * count


def test_connections_of_many_calls_are_made_at_the_same_time(trusted, pauses):
    met, meeting = threading.Barrier(MANY), threading.Barrier(MANY)

    def answer(connection):
        met.wait(10)
        return says()(connection)

    # The server reads only after all have connected, and answers only after all have sent their requests.
    with serving(*[answer] * MANY, tls=trusted, meeting=meeting) as (server, client):
        assert begin_together(starters(client))() == [{}] * MANY

        assert (server.connections, len(server.requests), pauses) == (MANY, MANY, [])


def test_new_connections_are_reused_by_later_calls(trusted):
    with serving(tls=trusted) as (server, client):
        assert begin_together(starters(client, 3 * MANY), MANY)() == [{}] * 3 * MANY

        assert server.connections <= MANY


def test_a_first_send_connects_to_both_services_at_the_same_time(trusted, monkeypatch, pauses):
    meeting = threading.Barrier(2)
    with (
        serving(tls=trusted, meeting=meeting) as (records, _),
        serving(tls=trusted, meeting=meeting) as (
            queue,
            _,
        ),
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", records.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", queue.url)
        clients.reset_clients()
        params = {
            "BACKEND": "django_offload.backends.SQSBackend",
            "QUEUES": ["default"],
            "OPTIONS": {
                "stack": "shop-dev",
                "queue_urls": {"default": f"{queue.url}/1/shop-dev-default"},
                "in_tests": "send",
            },
        }

        send(enqueued_task("0" * 32, enqueued_at=datetime.now(UTC)), Options.parse("default", params))

        # The servers read only after both connections were made.
        assert (records.connections, queue.connections, pauses) == (1, 1, [])
        assert b"PutItem" in records.requests[0]
        assert b"SendMessage" in queue.requests[0]


def test_batches_are_sent_before_send_in_batches_returns(trusted):
    with serving(service="sqs", tls=trusted, meeting=threading.Barrier(3)) as (server, client):
        entries = lambda batch: [{"Id": str(number), "MessageBody": batch[number]} for number in batch]  # noqa: E731
        begin = lambda batch: client.begin("send_message_batch", QueueUrl="u", Entries=entries(batch)).result  # noqa: E731
        ended = send_in_batches(["x"] * 25, begin)

        eventually(lambda: len(server.requests) == 3)
        assert ended() == [None] * 25


def test_a_failed_connection_fails_only_its_own_call(pauses):
    with serving(tries=1) as (_, client), serving(tries=1) as (gone, other):
        gone.close()
        results = begin_together([*starters(client, 1), *starters(other, 1), *starters(client, 1)])()

        assert (results[0], results[2]) == ({}, {})
        assert str(results[1]).startswith("AWS was not reached: Could not connect to the endpoint URL:")


def test_connections_made_together_all_fall_back_to_the_systems_certificates(
    certificate, monkeypatch, pauses
):
    wide = ssl.create_default_context(cafile=certificate.path)
    monkeypatch.setattr("django_offload.aws.lean.pool.system_context", lambda: wide)

    with serving(tls=certificate.context) as (_, client):
        assert begin_together(starters(client, 3))() == [{}] * 3
        assert pauses == []


def test_a_handshake_has_the_same_deadline_as_the_connection(trusted, monkeypatch):
    deadlines = []
    monkeypatch.setattr(
        connecting, "SocketWait", lambda *given: deadlines.append(given[2]) or SocketWait(*given)
    )
    with serving(tls=trusted, tries=1, meeting=threading.Barrier(2)) as (_, client):
        client.connect_timeout = 0.1

        with pytest.raises(NoAnswer, match="The TLS handshake failed at the endpoint URL"):
            client.get_item(**GET)

    assert len(deadlines) == 2
    assert len(set(deadlines)) == 1


class Silent(socket.socket):
    """A socket that never connects."""

    def connect_ex(self, place):
        return errno.EINPROGRESS


def test_addresses_that_do_not_answer_share_one_time(monkeypatch):
    monkeypatch.setattr(socket, "socket", Silent)
    begun = time.monotonic()
    place = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
    steps = connecting.connect_socket([place] * 3, begun + 4_000.0)

    waits = [next(steps), *(steps.throw(TimeoutError()) for _ in range(2))]
    with pytest.raises(TimeoutError):
        steps.throw(TimeoutError())

    # Half of the time, half of it again because no time has passed, and all of it.
    assert [round((wait.deadline - begun) / 1_000) for wait in waits] == [2, 2, 4]
    assert [wait.sock.fileno() for wait in waits] == [-1] * 3


def test_an_address_that_refuses_is_followed_by_the_next():
    with serving() as (server, client), serving() as (gone, _):
        gone.close()
        places = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", int(each.url.rpartition(":")[2])))
            for each in (gone, server)
        ]
        client.pool._lookup = (time.monotonic() + 60, places)

        assert client.get_item(**GET) == {}


def test_a_dropped_pending_connection_is_closed(monkeypatch):
    monkeypatch.setattr(socket, "socket", Silent)
    with serving() as (_, client), made_together():
        pending: PendingConnection = client.pool.connect(b"", 5.0, lambda: 5.0)
        sock = pending.waits_for.sock
        del pending

    assert sock.fileno() == -1


def test_boto3_makes_a_call_at_once_and_raises_its_exception_later():
    calls = []
    refused = Refusal(
        "UpdateItem", 400, {"Error": {"Code": "x", "Message": ""}, "ResponseMetadata": {"HTTPHeaders": {}}}
    )

    def update_item(*, fails):
        calls.append(fails)
        if fails:
            raise refused
        return {"made": True}

    waits = [
        under_way(SimpleNamespace(update_item=update_item), "update_item", fails=fails)
        for fails in (False, True)
    ]

    assert calls == [False, True]
    assert waits[0]() == {"made": True}
    with pytest.raises(Refusal) as caught:
        waits[1]()
    assert caught.value is refused
