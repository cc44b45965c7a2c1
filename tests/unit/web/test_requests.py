"""What the site learns of a request, and which events are none."""

import os
import sys
from typing import Any

import pytest

from django_offload.exceptions import UnknownEvent
from django_offload.web.handler import Handler
from django_offload.web.requests import Site
from tests.security.corpus.requests import HOSTILE, MARK

from .events import CLIENT, SHAPES, function_url, http_api_1, http_api_2, rest_api
from .site import Seen, seen_by


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_request_says_the_same_to_the_site(shape: str) -> None:
    seen = seen_by(SHAPES[shape], Site(stage="dev"))

    assert seen.environ["REQUEST_METHOD"] == "POST"
    assert seen.environ["PATH_INFO"] == "/cakes/apple pie/"
    assert seen.environ["QUERY_STRING"] == "size=2&size=3"
    assert seen.environ["REMOTE_ADDR"] == CLIENT
    assert seen.environ["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert seen.environ["CONTENT_LENGTH"] == "13"
    assert seen.environ["HTTP_COOKIE"] == "a=1; b=2"
    assert seen.environ["HTTP_ACCEPT"] == "text/html"
    assert seen.environ["wsgi.url_scheme"] == "https"
    assert seen.environ["HTTPS"] == "on"
    assert seen.environ["lambda.event"] is SHAPES[shape]
    assert seen.body == b"flavour=apple"
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & seen.environ.keys()


@pytest.mark.parametrize(
    ("event", "site", "script_name"),
    [
        (rest_api(), Site(stage="dev"), "/dev"),
        (http_api_1(), Site(stage="dev"), ""),
        (http_api_2(), Site(stage="dev"), ""),
        (http_api_2(stage="dev"), Site(stage="dev"), "/dev"),
        (function_url(), Site(stage="dev"), ""),
        # At a custom domain with a base path, the path begins with it.
        (http_api_1(path="/shop/cakes/apple%20pie/"), Site(stage="dev", base_path="shop"), "/shop"),
        (http_api_2(rawPath="/shop/cakes/apple%20pie/"), Site(stage="dev", base_path="shop"), "/shop"),
        # The console's test has no host.
        (rest_api(headers=None, multiValueHeaders=None), Site(stage="dev"), "/dev"),
        (rest_api(headers=None, multiValueHeaders=None), Site(stage="dev", domain="cakes.example"), ""),
    ],
)
def test_the_part_before_the_sites_own_paths(event: Any, site: Site, script_name: str) -> None:
    environ = seen_by(event, site).environ

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, "/cakes/apple pie/")


@pytest.mark.parametrize("path", ["/developers/", "/dev.css", "/"])
def test_a_path_that_only_looks_like_the_stage_stays_whole(path: str) -> None:
    environ = seen_by(http_api_2(stage="dev", rawPath=path), Site(stage="dev")).environ

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", path)


@pytest.mark.parametrize("make", [rest_api, function_url])
@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "Client-Ip"])
def test_the_client_never_chooses_its_own_address(make: Any, name: str) -> None:
    event = make()
    event["headers"][name] = "127.0.0.1"
    event.get("multiValueHeaders", {})[name] = ["127.0.0.1"]

    assert seen_by(event).environ["REMOTE_ADDR"] == CLIENT


@pytest.mark.parametrize("make", [rest_api, function_url])
def test_neither_scheme_nor_port_come_from_the_client(make: Any) -> None:
    event = make()
    event["headers"] |= {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "80"}

    environ = seen_by(event).environ

    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == ("https", "443")


@pytest.mark.parametrize("make", [rest_api, function_url])
def test_a_header_with_an_underscore_is_dropped(make: Any) -> None:
    event = make()
    event["headers"] |= {"X-User": "guest", "x_user": "root", "x_role": "root"}
    event.get("multiValueHeaders", {}).update({"X-User": ["guest"], "x_user": ["root"], "x_role": ["root"]})

    environ = seen_by(event).environ

    assert environ["HTTP_X_USER"] == "guest"
    assert "HTTP_X_ROLE" not in environ


def test_a_header_whose_name_becomes_another_in_upper_case_is_dropped() -> None:
    event = function_url()
    event["headers"] |= {"ho\u017ft": "evil.example", "x-u\u017fer": "root"}

    environ = seen_by(event, Site(headers_from_context={"X-User": "authorizer.sub"})).environ

    assert environ["HTTP_HOST"] == "abcde12345fghij67890.lambda-url.eu-central-1.on.aws"
    assert "HTTP_X_USER" not in environ


def test_a_header_of_the_context_never_comes_from_the_client() -> None:
    site = Site(headers_from_context={"X-User": "authorizer.sub"})
    event = function_url()
    event["headers"]["x-user"] = "root"

    assert "HTTP_X_USER" not in seen_by(event, site).environ
    event["requestContext"]["authorizer"] = {"sub": "guest"}
    assert seen_by(event, site).environ["HTTP_X_USER"] == "guest"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"cookies": ["a=1", "b=2"]}, "a=1; b=2"),
        ({"cookies": None}, "a=1; b=2"),
        ({"cookies": []}, "a=1; b=2"),
    ],
)
def test_several_cookies_stay_as_many(event: dict[str, Any], expected: str) -> None:
    assert seen_by(function_url(**event)).environ["HTTP_COOKIE"] == expected


def test_cookies_in_several_lines_become_one_header() -> None:
    event = rest_api()
    event["multiValueHeaders"]["Cookie"] = ["a=1", "b=2"]

    assert seen_by(event).environ["HTTP_COOKIE"] == "a=1; b=2"


def test_without_cookies_there_is_no_header() -> None:
    assert "HTTP_COOKIE" not in seen_by(http_api_2(cookies=None)).environ


def test_a_content_type_may_have_a_comma() -> None:
    event = function_url()
    event["headers"]["content-type"] = 'multipart/form-data; boundary="a,b"'

    assert seen_by(event).environ["CONTENT_TYPE"] == 'multipart/form-data; boundary="a,b"'


@pytest.mark.parametrize("make", [rest_api, function_url])
def test_other_characters_reach_django_as_bytes(make: Any) -> None:
    where = (
        {"path": "/käse/%F0%9F%A5%A7/\ud800"}
        if make is rest_api
        else {"rawPath": "/käse/%F0%9F%A5%A7/\ud800"}
    )
    event = make(**where)
    event["headers"]["x-name"] = "パイ"

    environ = seen_by(event).environ

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/käse/🥧/?"
    assert environ["HTTP_X_NAME"].encode("latin-1").decode() == "パイ"


def test_the_user_that_an_authorizer_knows() -> None:
    rest, http = rest_api(), http_api_2()
    rest["requestContext"]["authorizer"] = {"principalId": "ann"}
    http["requestContext"]["authorizer"] = {"lambda": {"principalId": "ben"}}

    assert seen_by(rest).environ["REMOTE_USER"] == "ann"
    assert seen_by(http).environ["REMOTE_USER"] == "ben"
    assert seen_by(rest).environ["API_GATEWAY_AUTHORIZER"] == {"principalId": "ann"}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_but_a_request_is_obeyed(name: str) -> None:
    called: list[Seen] = []
    handler = Handler(lambda environ, start_response: called.append(Seen(environ)) or [], Site(stage="dev"))
    modules, environment = set(sys.modules), dict(os.environ)

    with pytest.raises(UnknownEvent, match="The web handler accepts only HTTP requests"):
        handler(HOSTILE[name], None)

    assert called == []
    assert set(sys.modules) == modules
    assert dict(os.environ) == environment
    assert MARK not in os.environ


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_that_also_names_commands_is_only_a_request(shape: str) -> None:
    obeyed = {
        "stageVariables": {MARK: "1"},
        "command": "antigravity.fly",
        "raw_command": "1/0",
        "manage": "x",
    }
    modules, environment = set(sys.modules), dict(os.environ)

    seen_by({**SHAPES[shape], **obeyed}, Site(stage="dev"))

    assert set(sys.modules) == modules
    assert dict(os.environ) == environment
