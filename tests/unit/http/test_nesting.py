"""JSON that is nested deeply, or that Python can't read, is a 400 with a sentence."""

import json
import sys
from time import process_time

import pytest
from django.conf import settings as django_settings
from hypothesis import example, given
from hypothesis import strategies as st

from django_offload.http.nesting import MOST_LEVELS
from django_offload.protocol.json_codec import is_too_deep
from tests.unit.http.site_of_json import RECURSION

pytestmark = pytest.mark.urls("tests.unit.http.site_of_json")

TOO_DEEP = "The JSON is nested more than 100 levels deep. Send flatter values."
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


def lists(levels):
    return "[" * levels + "]" * levels


def objects(levels):
    return '{"a":' * levels + "1" + "}" * levels


def mixed(levels):
    return '[{"a":' * (levels // 2) + "1" + "}]" * (levels // 2)


def send(somebody, body, path="/anything/", **headers):
    return somebody.client.post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("nested", [lists, objects, mixed], ids=lambda nested: nested.__name__)
def test_the_limit_is_100_levels_with_the_body_itself(visitor, offload, nested):
    levels = MOST_LEVELS - 1 if nested is not mixed else MOST_LEVELS - 2
    taken = send(visitor(), f'{{"a":{nested(levels)}}}')
    refused = send(visitor(), f'{{"a":{nested(MOST_LEVELS)}}}')

    assert taken.status_code == 202
    assert refused.status_code == 400
    assert refused.json() == {"errors": {"__all__": [{"message": TOO_DEEP, "code": "too_deep"}]}}
    assert offload.run() == 1


DEEP = {
    f"{nested.__name__} {levels}": nested(levels)
    for nested in (lists, objects, mixed)
    for levels in (102, 1_000, 10_000, 100_000)
}
DEEP |= {
    "a million lists": "[" * 1_000_000,
    "a million lists that end": lists(1_000_000),
    "without an end": '{"a":' * 10_000,
    "after others": f'{{"a": [], "b": "[", "c": {lists(10_000)}}}',
    "wide and deep": f'{{"a": [{"[]," * 100_000}{lists(10_000)}]}}',
    "UTF-16": f'{{"a":{lists(10_000)}}}'.encode("utf-16"),
    "with a mark": b"\xef\xbb\xbf" + lists(10_000).encode(),
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("path", ["/anything/", "/json-field/"])
def test_t08_deep_json_is_400_and_says_so(visitor, offload, body, path):
    answer = send(visitor(), body, path)

    assert answer.status_code == 400
    assert answer.json()["errors"]["__all__"][0]["message"] == TOO_DEEP
    assert offload.run() == 0


UNREADABLE = {
    "more closed than open": "]" * 10_000 + "[" * 50,
    "the wrong ones closed": "[}" * 10_000,
    "half a string": '{"a": "[[[[',
    "a lone backslash": '"\\',
    "no UTF-8": b"\xff" + b"[" * 10_000,
    "no UTF-16": "[]".encode("utf-16") + b"\x00",
    "NaN": '{"a": NaN}',
    "Infinity": '{"a": [-Infinity]}',
    "a long number": f'{{"a": {"9" * 5_000}}}',
    "a longer number": f'{{"a": -{"9" * 1_000_000}}}',
    "two values": "{} {}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("path", ["/anything/", "/json-field/"])
def test_what_python_cannot_read_is_400_and_says_so(visitor, offload, body, path):
    answer = send(visitor(), body, path)

    assert answer.status_code == 400
    ((error,),) = answer.json()["errors"].values()
    assert error["message"].endswith(".")
    assert offload.run() == 0


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": "[" * 10_000 + "{" * 10_000}),
        json.dumps({"a": '"[' * 1_000 + "\\" * 999}),
        json.dumps({"[" * 1_000: '\\"{[' * 1_000}),
        json.dumps({"a": [[]] * 10_000}),
        '{"a": 1, "a": [2]}',
        '{"a": "\\ud800[", "b": "\\u005b"}',
    ],
    ids=["in a text", "after quotes", "in a key", "wide", "the same key twice", "halves and escapes"],
)
def test_brackets_in_texts_and_side_by_side_do_not_count(visitor, body):
    assert send(visitor(), body).status_code == 202


@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["JSON", "a browser"])
@pytest.mark.parametrize("way", ["a form", "a text in JSON"])
@pytest.mark.parametrize("path", ["/json-field/", "/inner-json-field/"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lists(101), TOO_DEEP),
        (objects(10_000), TOO_DEEP),
        ("[" * 1_000_000, TOO_DEEP),
        ("9" * 5_000, "Enter a valid JSON."),
        ("{", "Enter a valid JSON."),
    ],
    ids=["101 levels", "10,000 levels", "a million, open", "a long number", "no JSON"],
)
def test_a_field_of_a_form_with_json_is_read_no_deeper(visitor, offload, path, headers, way, text, said):
    data = {"value_0": text} if "inner" in path else {"value": text}
    if way == "a form":
        answer = visitor().client.post(path, data, headers=headers)
    else:
        answer = send(visitor(), json.dumps(data), path, **headers)

    assert answer.status_code == 400
    assert said in answer.text
    assert offload.run() == 0


def test_a_field_of_a_form_takes_100_levels_and_keeps_its_own_decoder(visitor, offload):
    taken = visitor().client.post("/json-field/", {"value": lists(MOST_LEVELS)})
    somebody = visitor()
    own = somebody.client.post("/own-decoder/", {"value": '{"a": 1.5}'})

    assert taken.status_code == own.status_code == 202
    offload.run()
    assert somebody.client.get(own.headers["Location"]).json()["return_value"] == [
        [],
        {"value": {"a": "1.5"}},
    ]


@pytest.mark.parametrize("path", ["/anything/", "/json-field/"])
@pytest.mark.parametrize("frames", [100, 300, 500, 700])
@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["JSON", "a browser"])
def test_a_deep_stack_makes_no_difference(visitor, settings, path, frames, headers):
    settings.MIDDLEWARE = ["tests.unit.http.site_of_json.deep_stack", *settings.MIDDLEWARE]
    RECURSION["frames"] = max(0, frames * sys.getrecursionlimit() // 1_000)
    field = '{"a": %s}' if path == "/anything/" else '{"value": %s}'

    # 99 levels may be too many for the stack that is left, but not for the shallowest.
    allowed = {202} if frames == 100 else {202, 400}
    for levels, statuses in ((99, allowed), (100, {400}), (10_000, {400}), (100_000, {400})):
        answer = send(visitor(), field % lists(levels), path, **headers)

        assert answer.status_code in statuses


def test_a_form_whose_values_are_deeper_than_its_json_is_400(visitor):
    assert visitor().client.post("/deep-values/", {"value": "1"}).status_code == 400


HOSTILE = [
    "[]" * 600_000,
    '"' * 1_200_000,
    '\\"' * 600_000,
    '"\\' * 600_000,
    "[" * 1_200_000,
    "{[" * 50 + '"' + "\\" * 10**6,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_the_check_takes_linear_time(text):
    began = process_time()
    is_too_deep("[" * 101 + "]" * 101 + text, MOST_LEVELS)
    is_too_deep("[]" * 101 + text, MOST_LEVELS)

    assert process_time() - began < 5  # It takes a tenth of a second. What goes back takes hours.


def levels_of(value):
    if isinstance(value, dict):
        return 1 + max(map(levels_of, value.values()), default=0)
    return 1 + max(map(levels_of, value), default=0) if isinstance(value, list) else 0


VALUES = st.recursive(
    st.none() | st.text() | st.sampled_from(['"', "\\", '\\"', "[{", "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just('"['), inner, max_size=3),
    max_leaves=10,
)


@given(value=VALUES, more=st.integers(min_value=90, max_value=105), ascii_only=st.booleans())
@example(value=None, more=100, ascii_only=True)
def test_it_counts_as_a_parser_does(value, more, ascii_only):
    for _ in range(more):
        value = [value]

    text = json.dumps(value, ensure_ascii=ascii_only)

    assert is_too_deep(text, MOST_LEVELS) is (levels_of(value) > MOST_LEVELS)


def test_t08_a_body_of_one_byte_more_than_the_limit_is_refused_before_it_is_read(visitor, offload):
    most = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = '{"a": 1' + " " * (most - 8) + "}"

    taken, refused = send(visitor(), body), send(visitor(), body + " ")

    assert (taken.status_code, refused.status_code) == (202, 400)
    assert offload.run() == 1
