"""Credentials from the environment and from botocore, their renewal, and the correction of clock skew."""

import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from django_offload.aws.lean import credentials as module
from django_offload.aws.lean.credentials import credentials
from django_offload.exceptions import NoCredentials, Refusal
from tests.unit.aws.server import says, serving
from tests.unit.local.fakes import eventually

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}
REFUSED = [
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
]
EXPIRED = says(b'{"__type": "x#ExpiredTokenException", "message": "The token is expired"}', "400 Bad Request")


def signed_by(request):
    return request.partition(b"Credential=")[2].partition(b"/")[0].decode()


def signed_at(request):
    text = request.partition(b"x-amz-date: ")[2].partition(b"\r\n")[0].decode()
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"])
def test_credentials_in_the_environment_are_read_without_botocore(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    monkeypatch.setenv(name, "token")

    assert credentials() == ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")


def test_an_access_key_without_a_secret_key_is_an_error_with_a_hint(monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(
        NoCredentials, match=r"AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY\. Give cred"
    ):
        credentials()


def test_renewed_credentials_in_the_environment_are_used_at_once(monkeypatch):
    with serving() as (server, client):
        client.get_item(**GET)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
        client.get_item(**GET)

        assert [signed_by(request) for request in server.requests] == ["AKIDEXAMPLE", "AKIDOTHER"]


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("code", REFUSED)
def test_refused_credentials_are_read_again_and_the_call_is_retried(monkeypatch, pauses, name, code):
    def renew(connection):
        monkeypatch.setenv(name, "renewed")
        return says(f'{{"__type": "x#{code}"}}'.encode(), "400 Bad Request")(connection)

    with serving(renew) as (server, client):
        assert client.get_item(**GET) == {}

        assert credentials()[1 if "SECRET" in name else 2] == "renewed"
        assert len(server.requests) == 2
        assert pauses == []


def test_expired_credentials_that_were_not_renewed_are_an_error(pauses):
    with serving(EXPIRED) as (server, client):
        with pytest.raises(Refusal, match="ExpiredTokenException: The token is expired"):
            client.get_item(**GET)

        assert len(server.requests) == 1


def test_without_credentials_in_the_environment_botocore_finds_them(monkeypatch, tmp_path):
    profile = tmp_path / "credentials"
    profile.write_text("[shop]\naws_access_key_id = AKIDSHOP\naws_secret_access_key = s\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_PROFILE", "shop")
    looked = []
    from botocore import session

    real = session.get_session
    monkeypatch.setattr(session, "get_session", lambda: looked.append(1) or real())

    assert [credentials(), credentials()] == [("AKIDSHOP", "s", None)] * 2
    assert looked == [1]

    profile.write_text("[shop]\naws_access_key_id = AKIDNEXT\naws_secret_access_key = s\n")
    assert module.renewed_since(credentials())
    assert credentials().access_key == "AKIDNEXT"


def test_missing_credentials_are_an_error_with_a_hint(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    with pytest.raises(NoCredentials, match=r"no credentials.* Give credentials: AWS_PROFILE, or"):
        credentials()


ODD = {"line break": "x\n", "header": "x\r\nhost: elsewhere", "blank": " x", "beyond ASCII": "ключ"}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("AWS_ACCESS_KEY_ID", "access key"),
        ("AWS_SECRET_ACCESS_KEY", "secret key"),
        ("AWS_SESSION_TOKEN", "token"),
    ],
)
def test_credentials_that_no_header_can_contain_are_refused_before_the_call(monkeypatch, name, named, value):
    monkeypatch.setenv(name, value)

    with serving() as (server, client):
        with pytest.raises(
            NoCredentials, match=rf"the {named} in the environment contains .*\. Give cred"
        ) as caught:
            client.get_item(**GET)

        assert server.requests == []
        assert value not in str(caught.value)


def test_credentials_of_botocore_are_validated_too(monkeypatch, tmp_path):
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = AKIDSHOP\naws_secret_access_key = s é\n", "utf-8")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))

    with pytest.raises(NoCredentials, match="the secret key in a profile or a role contains"):
        credentials()


def test_secrets_are_in_no_repr(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")

    assert repr(credentials()) == "Credentials('AKIDEXAMPLE', …)"


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"])
@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(minutes=-20)])
def test_clock_skew_is_corrected(pauses, code, ahead):
    theirs = datetime.now(UTC) + ahead
    date = f"date: {format_datetime(theirs, usegmt=True)}\r\n"
    refused = says(f'{{"__type": "x#{code}"}}'.encode(), "403 Forbidden", date)
    with serving(refused) as (server, client):
        client.get_item(**GET)
        client.get_item(**GET)

        assert len(server.requests) == 3
        for request in server.requests[1:]:
            assert abs(signed_at(request) - theirs) < timedelta(minutes=1)
        assert pauses == []


def test_calls_under_way_together_each_correct_clock_skew(pauses):
    theirs = datetime.now(UTC) + timedelta(hours=3)
    date = f"date: {format_datetime(theirs, usegmt=True)}\r\n"
    refused = says(b'{"__type": "x#InvalidSignatureException"}', "403 Forbidden", date)
    with serving(refused, refused) as (server, client):
        calls = [client.begin("get_item", **GET) for _ in range(2)]
        eventually(lambda: len(server.requests) == 2)

        assert [call.result() for call in calls] == [{}, {}]
        for request in server.requests[2:]:
            assert abs(signed_at(request) - theirs) < timedelta(minutes=1)


@pytest.mark.parametrize("date", ["", "date: Sun, 22 Nov\r\n", "date: {now}\r\n"])
def test_a_refused_signature_without_clock_skew_is_an_error(pauses, date):
    date = date.format(now=format_datetime(datetime.now(UTC)))
    refused = says(b'{"__type": "x#InvalidSignatureException"}', "403 Forbidden", date)
    with serving(refused) as (server, client):
        with pytest.raises(Refusal, match="InvalidSignatureException"):
            client.get_item(**GET)

        assert len(server.requests) == 1
        assert abs(signed_at(server.requests[0]).timestamp() - time.time()) < 60
