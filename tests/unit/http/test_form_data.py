"""A form reads a JSON object as it reads a browser's request, whatever is in it."""

import json

import pytest
from django.test import Client

from tests.unit.http.site_of_forms import EveryField

pytestmark = pytest.mark.urls("tests.unit.http.site_of_forms")

# Written as JSON, because some have no value in Python.
VALUES = [
    *("null", "true", "false", "0", "-1", "1.5", "1e308", "1e400", "-1e400", "9" * 30),
    *("[]", "[1]", "[null]", "[true]", "[[1]]", '[{"a":1}]', "[1e400]", '["a","b"]', "{}", '{"a":1}'),
    *('""', '"a"', '"NaN"', '"inf"', '"1e999999999"', '"\\u0000"', '"\\ud800"', '["\\u0000"]', '["\\ud800"]'),
    *('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"P999999999999D"', '"١"', '"{}"'),
]
# Names of the widgets inside split, parts and of what Django's own widgets read besides.
INNER = ["split_0", "split_1", "parts_year", "parts_month", "parts_day", "file-clear"]


def send(address, body, accept="application/json"):
    return Client().post(address, body, content_type="application/json", headers={"Accept": accept})


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_no_value_in_json_is_an_error_of_the_server(ours, offload, db, accept):
    names = [*EveryField.base_fields, *INNER]

    answers = {
        value: send("/every/", f"{{{', '.join(f'"{name}": {value}' for name in names)}}}", accept)
        for value in VALUES
    }

    assert {answer.status_code for answer in answers.values()} == {400}
    assert all("errors" in answer.text or "errorlist" in answer.text for answer in answers.values())


@pytest.mark.parametrize(
    ("field", "value", "returned"),
    [
        ("array", [1, "2"], [1, 2]),
        ("boolean", True, True),
        ("boolean", False, False),
        ("char", 5, "5"),
        ("choice", "a", "a"),
        ("date", "2026-11-30", "2026-11-30"),
        ("decimal", 1.5, "1.5"),
        ("float", 1.5, 1.5),
        ("hidden", ["a", "b"], ["a", "b"]),
        ("hidden", "a", ["a"]),
        ("integer", 5, 5),
        ("integer", None, None),
        ("json", {"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
        ("json", [], []),
        ("json", True, True),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", 2, 2),
        ("maybe", True, True),
        ("maybe", None, None),
        ("multiple", ["a"], ["a"]),
        ("multiple", [], []),
        ("boxes", ["b"], ["b"]),
        ("select", False, False),
        ("typed", True, True),
    ],
)
def test_a_value_is_read_as_its_text(ours, offload, transactional_db, field, value, returned):
    answer = send("/one/", json.dumps({field: value}))

    assert answer.status_code == 202, answer.text
    offload.run()
    assert Client().get(answer.headers["Location"]).json()["return_value"] == [[], {"value": [returned]}]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("date", 5, "Enter a valid date."),
        ("datetime", [1], "Enter a valid date/time."),
        ("time", {"a": 1}, "Enter a valid time."),
        ("ip", 1, "Enter a valid IPv4 or IPv6 address."),
        ("integer", True, "Enter a whole number."),
        ("combo", ["a"], "Enter text, not a list or an object."),
        ("char", {}, "Enter text, not a list or an object."),
        ("array", {"a": 1}, "Enter text, not a list or an object."),
        ("maybe", {"a": 1}, "Enter text, not a list or an object."),
        ("multiple", {"a": 1}, "Select a valid choice."),
    ],
)
def test_a_field_says_what_it_takes_instead(ours, offload, db, field, value, message):
    answer = send("/one/", json.dumps({field: value}))

    (problem,) = answer.json()["errors"][field]
    assert problem["message"].startswith(message)


@pytest.mark.parametrize("values", [{"text": "no colon"}, {}])
def test_a_text_that_a_widget_can_not_read_is_an_error_of_its_field(ours, offload, db, values):
    answer = send("/picky/", json.dumps(values))

    assert answer.status_code == 400
    assert answer.json()["errors"]["text"][0]["message"] == "Enter a valid value."
    assert offload.run() == 0


@pytest.mark.parametrize("number", ["1e400", "-1e400", "[[1e999]]"])
def test_a_number_that_python_reads_as_infinity_is_no_json(ours, offload, db, number):
    answer = send("/every/", f'{{"json": {number}}}')

    assert answer.json()["errors"] == {
        "__all__": [{"message": "The body is not a JSON object. Send one, such as {}.", "code": "json"}]
    }


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("character", ["é", "&", "\x01"], ids=["grows in JSON", "in HTML", "in the event"])
@pytest.mark.parametrize("field", ["choice", "multiple", "email"])
def test_an_answer_quotes_little_of_a_long_text(ours, offload, db, accept, character, field):
    text = character * (2_400_000 // len(character.encode()))
    in_json = character * (2_400_000 // len(json.dumps(character, ensure_ascii=False).encode()[1:-1]))
    body = json.dumps({field: [in_json] if field == "multiple" else in_json}, ensure_ascii=False)

    answers = [
        send("/every/", body, accept),
        send("/plain/", json.dumps({in_json[:-9]: 1}, ensure_ascii=False), accept),
        Client().post("/every/", {field: text}, headers={"Accept": accept}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    # A function of Lambda returns 6,291,556 bytes of JSON.
    assert max(len(json.dumps(answer.text, ensure_ascii=False).encode()) for answer in answers) < 6_291_556
