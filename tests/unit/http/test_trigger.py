"""The view that enqueues with the arguments in a form or JSON."""

import html

import pytest

from django_offload.http import TriggerView
from django_offload.http.arguments import MOST_UNKNOWN

pytestmark = pytest.mark.urls("tests.unit.http.site_of_pieces")

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
REQUIRED = [{"message": "This field is required.", "code": "required"}]
FORBIDDEN = {
    "message": "You may not start this task. Sign in with an account that may.",
    "code": "forbidden",
}


def send(somebody, path="/double/", data=None, **headers):
    """POST a JSON object."""
    return somebody.client.post(path, data or {}, content_type="application/json", headers=headers)


def result_of(answer, somebody, offload):
    offload.run()
    return somebody.client.get(answer.headers["Location"]).json()["return_value"]


@pytest.mark.parametrize("content_type", ["application/json", None], ids=["JSON", "a form"])
def test_what_a_form_takes_is_enqueued(visitor, offload, content_type):
    somebody = visitor()
    options = {"content_type": content_type} if content_type else {}

    answer = somebody.client.post("/double/", {"number": 21}, **options)

    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
    assert answer.json()["status"] == "READY"
    assert result_of(answer, somebody, offload) == 42


@pytest.mark.parametrize("content_type", ["application/json", None], ids=["JSON", "a form"])
@pytest.mark.parametrize(
    ("number", "code"), [("", "required"), ("much", "invalid"), (0, "min_value")], ids=str
)
def test_what_a_form_refuses_is_400_with_the_errors_of_each_field(
    visitor, offload, content_type, number, code
):
    options = {"content_type": content_type} if content_type else {}

    answer = visitor().client.post("/double/", {"number": number}, **options)

    assert answer.status_code == 400
    ((field, (error,)),) = answer.json()["errors"].items()
    assert (field, error["code"]) == ("number", code)
    assert error["message"].endswith(".")
    assert offload.run() == 0


@pytest.mark.parametrize(
    "body", ["", "{", "[1]", '"text"', "null", '{"number": NaN}', "[" * 100_000, b"\xff\xfe{"], ids=repr
)
def test_a_body_that_is_no_object_is_400(visitor, offload, body):
    answer = visitor().client.post("/double/", body, content_type="application/json")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == (["__all__"] if body else ["number"])
    assert offload.run() == 0


def test_a_body_of_another_kind_is_400_and_says_what_to_send(visitor):
    answer = visitor().client.post("/double/", "number: 1", content_type="text/yaml")

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": {
            "__all__": [
                {
                    "message": "The request must be JSON. Send it as Content-Type: application/json.",
                    "code": "content_type",
                }
            ]
        }
    }


def test_without_a_form_an_object_gives_the_keyword_arguments(visitor, offload):
    somebody = visitor()

    answer = send(somebody, "/plain/", {"number": "ab"})

    assert answer.status_code == 202
    assert result_of(answer, somebody, offload) == "abab"


def test_without_a_form_the_names_are_held_against_the_tasks_signature(visitor, offload):
    somebody = visitor()

    missing, unknown = send(somebody, "/plain/"), send(somebody, "/plain/", {"number": 1, "colour": "red"})
    as_form = somebody.client.post("/plain/", {"number": 1})

    assert missing.json() == {"errors": {"number": REQUIRED}}
    assert unknown.json() == {
        "errors": {"colour": [{"message": "The task has no such field. Remove it.", "code": "unknown"}]}
    }
    assert as_form.json()["errors"]["__all__"][0]["code"] == "content_type"
    assert {missing.status_code, unknown.status_code, as_form.status_code} == {400}
    assert offload.run() == 0


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/count/", {"total": 2}),
        ("/anything/", {"one": 1, "two": 2}),
        ("/anything/", {}),
        ("/patient/", None),
    ],
)
def test_context_defaults_and_further_keywords_need_not_be_given(visitor, path, arguments):
    assert send(visitor(), path, arguments).status_code == 202


def test_a_post_without_a_body_enqueues_a_task_without_arguments(visitor):
    somebody = visitor("owner", csrf=True)
    somebody.client.cookies["csrftoken"] = "a" * 32

    assert somebody.client.post("/patient/", {"csrfmiddlewaretoken": "a" * 32}).status_code == 202
    assert somebody.client.generic("POST", "/patient/", headers={"X-CSRFToken": "a" * 32}).status_code == 202


def test_dates_files_and_models_become_what_a_message_carries(visitor, offload):
    somebody = visitor("ada")
    user = somebody.client.get("/whoami/").json()

    answer = send(somebody, "/travels/", {"day": "2026-03-01", "user": user, "users": [user], "sum": "1.50"})

    assert answer.status_code == 202
    assert result_of(answer, somebody, offload) == [
        [],
        {"day": "2026-03-01", "user": user, "users": [user], "sum": "1.50"},
    ]


def test_what_no_message_carries_says_what_to_do(visitor, tmp_path):
    file = tmp_path / "photo"
    file.write_text("light")

    with (
        file.open() as photo,
        pytest.raises(TypeError, match=r"can't be an argument of a task\. Override arguments\(\): store it"),
    ):
        visitor().client.post("/upload/", {"photo": photo})


def test_a_post_wants_the_csrf_token(visitor, offload):
    assert send(visitor(csrf=True), data={"number": 1}).status_code == 403
    assert offload.run() == 0


def test_the_permission_hook_lets_in(visitor, offload):
    refused, taken = (
        send(one, "/for-staff/", {"number": 1}) for one in (visitor(), visitor("ada", is_staff=True))
    )
    page = visitor().client.get("/for-staff/", headers=BROWSER)

    assert (refused.status_code, refused.json()["errors"]["__all__"]) == (403, [FORBIDDEN])
    assert (page.status_code, page.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert taken.status_code == 202
    assert offload.run() == 1


def test_a_browser_gets_pages(visitor, offload):
    somebody = visitor()

    blank = somebody.client.get("/double/", headers=BROWSER)
    wrong = somebody.client.post("/double/", {"number": 0}, headers=BROWSER)
    taken = somebody.client.post("/double/", {"number": 1}, headers=BROWSER)

    assert (blank.status_code, wrong.status_code, taken.status_code) == (200, 400, 202)
    assert 'name="number"' in blank.text
    assert "Ensure this value is greater than or equal to 1." in wrong.text
    assert "Waiting to start" in taken.text
    assert taken.headers["Location"].startswith("/tasks/")
    assert {"Accept", "HX-Request"} <= set(taken.headers["Vary"].split(", "))


def test_a_browser_sees_errors_that_belong_to_no_field(visitor):
    answer = visitor().client.post("/plain/", {"number": 1}, headers=BROWSER)

    assert answer.status_code == 400
    assert "<li>The request must be JSON. Send it as Content-Type: application/json.</li>" in answer.text


def test_htmx_gets_the_piece(visitor):
    answer = visitor().client.post("/double/", {"number": 1}, headers={"HX-Request": "true", "Accept": "*/*"})

    assert answer.status_code == 202
    assert "<html" not in answer.text
    assert "hx-get=" in answer.text


@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["JSON", "a browser"])
def test_a_task_that_cannot_be_enqueued_is_503(visitor, offload, monkeypatch, headers):
    def refuse(*args, **kwargs):
        raise OSError("The wire is cut")

    for store in offload.stores.values():
        monkeypatch.setattr(store, "change", refuse)
    for transport in offload.transports.values():
        monkeypatch.setattr(transport, "send", refuse)

    answer = visitor().client.post("/double/", {"number": 1}, headers=headers)

    message = "The task may not have been started, because AWS didn't answer. Try again in a minute."
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert message in html.unescape(answer.text)


def test_arguments_that_no_message_carries_are_400(visitor, monkeypatch):
    monkeypatch.setattr("django_offload.sending.enqueue.payloads_of", lambda options: None)

    answer = send(visitor(), "/plain/", {"number": "x" * 400_000})

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]["__all__"]
    assert error["code"] == "invalid"
    assert "400,0" in error["message"]


def test_a_view_without_a_task_says_so(rf):
    with pytest.raises(TypeError, match=r"TriggerView has no task\. Set `task`, or override get_task\(\)."):
        TriggerView().get_task()


def test_many_unknown_fields_get_a_short_answer(visitor, offload):
    fields = {f"field{number}": 1 for number in range(50_000)}

    answer = send(visitor(), "/plain/", {"number": 1, **fields})

    errors = answer.json()["errors"]
    assert answer.status_code == 400
    assert list(errors)[:3] == ["field0", "field1", "field2"]
    assert len(errors) == MOST_UNKNOWN + 1
    assert errors["__all__"][0]["message"] == (
        "The task doesn't have 50000 of these fields. Send only those that it has."
    )
    assert len(answer.content) < 3_000


@pytest.mark.parametrize(
    "accept", ["text/html;a=" + "b" * 20_000, "text/html;a*=no-such-code''b"], ids=["long", "an unknown code"]
)
def test_a_malformed_accept_header_gets_json(visitor, offload, accept):
    somebody = visitor()

    answer = send(somebody, "/plain/", {"number": 2}, accept=accept)

    assert (answer.status_code, answer.json()["status"]) == (202, "READY")
    assert result_of(answer, somebody, offload) == 4
    assert send(somebody, "/plain/", accept=accept).json() == {"errors": {"number": REQUIRED}}


def test_a_browser_that_sends_json_sees_which_fields_are_wrong(visitor):
    answer = send(visitor(), "/plain/", {"colour": "red"}, **BROWSER)

    assert answer.status_code == 400
    assert "colour: The task has no such field. Remove it." in answer.text
    assert "number: This field is required." in answer.text


@pytest.mark.parametrize("headers", [BROWSER, {"Accept": "application/json"}], ids=["page", "JSON"])
def test_a_message_may_quote_what_utf_8_cannot_encode(visitor, headers):
    answer = send(visitor(), data={"number": "\ud83d"}, **headers)

    assert answer.status_code == 400
    assert send(visitor(), data={"\ud83d": 1}, **headers).status_code == 400


@pytest.mark.parametrize("value", [[], {}, ["a"], {"a": 1}], ids=repr)
def test_a_field_for_text_takes_no_list_and_no_object(visitor, offload, value):
    refused = send(visitor(), "/titled/", {"title": value})
    page = send(visitor(), "/titled/", {"title": value}, **BROWSER)

    problem = {"message": "Enter text, not a list or an object.", "code": "invalid"}
    assert (refused.status_code, page.status_code) == (400, 400)
    assert refused.json() == {"errors": {"title": [problem]}}
    assert problem["message"] in page.text
    assert offload.run() == 0


@pytest.mark.parametrize("value", ["a", 1, 1.5, True, None, ""], ids=repr)
def test_a_field_for_text_takes_what_a_form_makes_text_of(visitor, value):
    assert send(visitor(), "/titled/", {"title": value}).status_code == 202
