"""What the web function returns."""

import gzip
import json
import logging
from base64 import b64decode
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from django_offload.web.handler import Handler
from django_offload.web.requests import Site
from django_offload.web.responses import LARGEST_RESPONSE

from .events import SHAPES, function_url, rest_api
from .site import answering

HTML = ("Content-Type", "text/html; charset=utf-8")
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


def answer(shape: str, *response: Any, site: Site | None = None) -> dict[str, Any]:
    return dict(Handler(answering(*response), site or Site())(SHAPES[shape], None))


def body_of(response: dict[str, Any]) -> bytes:
    body: str = response["body"]
    return b64decode(body) if response["isBase64Encoded"] else body.encode()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("headers", "body", "encoded"),
    [
        ([HTML], "<h1>Käse</h1>".encode(), False),
        ([("Content-Type", "application/json")], b"{}", False),
        ([("Content-Type", "image/svg+xml")], b"<svg/>", False),
        ([("Content-Type", "image/png")], PNG, True),
        ([("Content-Type", "application/pdf")], b"%PDF", True),
        ([], b"no type", True),
        ([HTML, ("Content-Encoding", "gzip")], gzip.compress(b"<h1>pie</h1>", mtime=0), True),
        ([("Content-Type", "text/html; charset=iso-8859-1")], "Käse".encode("latin-1"), True),
        ([HTML], b"", False),
    ],
)
def test_every_body_arrives_as_it_was(shape: str, headers: Any, body: bytes, encoded: bool) -> None:
    response = answer(shape, "200 OK", headers, body)

    assert body_of(response) == body
    assert response["isBase64Encoded"] is encoded
    names = {name.lower() for name in response["headers"]}
    assert names == {name.lower() for name, _ in headers}


@pytest.mark.parametrize("shape", SHAPES)
def test_two_cookies_stay_two(shape: str) -> None:
    cookies = ["a=1; Path=/", "b=2; Expires=Mon, 30 Nov 2026 12:00:00 GMT"]
    response = answer(shape, "200 OK", [HTML, *(("Set-Cookie", cookie) for cookie in cookies)], b"pie")

    in_lists = response.get("multiValueHeaders", {}).get("Set-Cookie", [])
    assert response.get("cookies", []) + in_lists == cookies
    assert "set-cookie" not in {name.lower() for name in response["headers"]}


@pytest.mark.parametrize("shape", SHAPES)
def test_several_headers_of_one_name_all_arrive(shape: str) -> None:
    response = answer(shape, "200 OK", [HTML, ("Vary", "Cookie"), ("vary", "Accept")], b"pie")

    assert {name.lower(): value for name, value in response["headers"].items()}["vary"] == "Cookie, Accept"


@pytest.mark.parametrize("shape", SHAPES)
def test_headers_keep_the_names_that_the_site_gave_them(shape: str) -> None:
    response = answer(shape, "302 Found", [HTML, ("Location", "/pies/"), ("x-Pie", "apple")], b"pie")

    assert {"Content-Type", "Location", "x-Pie"} == response["headers"].keys()


@pytest.mark.parametrize("shape", SHAPES)
def test_more_types_of_text_come_from_the_settings(shape: str) -> None:
    csv = [("Content-Type", "application/csv")]

    assert answer(shape, "200 OK", csv, b"a,b")["isBase64Encoded"] is True
    assert answer(shape, "200 OK", csv, b"a,b", site=Site(text_types=("application/csv",)))["body"] == "a,b"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("character", [b"a", "ä".encode(), b"\x00", b'"', b"\xff"])
def test_a_response_that_lambda_would_refuse_is_a_500_with_a_sentence(
    shape: str, character: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    small = answer(shape, "200 OK", [HTML], character * 1000)
    whole = answer(shape, "200 OK", [HTML], character * (LARGEST_RESPONSE // len(character)))

    assert small["statusCode"] == 200
    assert whole["statusCode"] == 500
    assert "a Lambda function can return 6,291,456" in whole["body"]
    assert "POST /" in caplog.text


@pytest.mark.parametrize("shape", SHAPES)
def test_a_response_within_the_limit_arrives(shape: str) -> None:
    response = answer(shape, "200 OK", [HTML], b"a" * (LARGEST_RESPONSE - 2000))

    assert response["statusCode"] == 200
    assert len(json.dumps(response)) <= LARGEST_RESPONSE


@pytest.mark.django_db  # Every request closes old connections.
def test_headers_that_django_refuses_to_read_are_a_400_and_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = function_url()
    event["headers"]["content-type"] = "multipart/form-data; boundary=" + "x" * 10_000

    response = Handler(WSGIHandler(), Site())(event, None)

    assert response["statusCode"] == 400
    assert response["body"] == (
        "The headers of this request can't be read. Correct its Content-Type, and send it again.\n"
    )
    assert "POST /cakes/apple%20pie/ refused: BadRequest" in caplog.messages
    assert "ERROR" not in {record.levelname for record in caplog.records}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("charset", "status"),
    [
        *(("hex", 400), ("rot13", 400), ("idna", 400), ("base64_codec", 400), ('"zlib"', 400), ("a\0", 400)),
        *(("utf-8", 404), ("latin-1", 404), ("no-such-charset", 404), ("", 404), ('"', 404)),
    ],
)
def test_a_charset_that_decodes_no_text_is_a_400_and_no_failure(
    caplog: pytest.LogCaptureFixture, settings: Any, charset: str, status: int
) -> None:
    settings.ROOT_URLCONF = "tests.unit.http.setup"
    event = function_url(rawQueryString="size=%E4")
    event["headers"]["content-type"] = f"text/plain; charset={charset}"
    event["headers"]["host"] = "testserver"
    event["requestContext"]["http"]["method"] = "GET"

    response = Handler(WSGIHandler(), Site())(event, None)

    assert response["statusCode"] == status
    assert "ERROR" not in {record.levelname for record in caplog.records}


@pytest.mark.parametrize("event", [rest_api(), function_url()])
def test_an_application_that_fails_is_a_500_and_the_reason_is_in_the_log(
    event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        raise ZeroDivisionError("no pie")

    response = Handler(application, Site())(event, None)

    assert response["statusCode"] == 500
    assert "The reason is in the log of the web function." in response["body"]
    assert "no pie" not in response["body"]
    assert "ZeroDivisionError: no pie" in caplog.text


def test_the_log_names_the_path_without_the_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="django_offload.web")
    event = function_url(rawQueryString="token=secret", rawPath="/tasks/1/\n2")

    Handler(answering("200 OK", [HTML], b"pie"), Site())(event, None)

    (record,) = caplog.records
    assert record.getMessage().startswith("POST /tasks/1/%0A2 200 ")
    assert "secret" not in caplog.text


def test_a_streamed_response_is_whole_and_closed() -> None:
    class Stream:
        closed = False

        def __iter__(self) -> Any:
            yield b"apple "
            yield b"pie"

        def close(self) -> None:
            self.closed = True

    stream = Stream()

    def application(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [HTML])
        write(b"an ")
        return stream

    response = Handler(application, Site())(function_url(), None)

    assert response["body"] == "an apple pie"
    assert stream.closed
