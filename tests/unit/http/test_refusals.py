"""Every answer that refuses a request is private, and tells a script in JSON what to do."""

import io

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import include, path

from django_offload.exceptions import OutOfTime
from django_offload.http import TriggerView
from tests.unit import tasks
from tests.unit.http.site_of_pieces import Double, ForStaff
from tests.unit.http.site_of_throttles import urlpatterns as of_throttles

pytestmark = pytest.mark.urls(__name__)

JSON, BROWSER = {"Accept": "application/json"}, {"Accept": "text/html,*/*;q=0.8"}
HTMX = {"Accept": "*/*", "HX-Request": "true"}
FORM = "application/x-www-form-urlencoded"
UNKNOWN = f"/tasks/{'0' * 32}/"


class Strict(TriggerView):
    """A view whose throttle looks at the form, so that it reads the body first."""

    task = tasks.double

    def get_wait(self):
        return 7 if self.request.POST.get("again") else None


class Suspicious(TriggerView):
    task = tasks.double

    def has_permission(self):
        raise SuspiciousOperation("The text of an attack")


urlpatterns = [
    path("double/", Double.as_view()),
    path("strict/", Strict.as_view()),
    path("for-staff/", ForStaff.as_view()),
    path("suspicious/", Suspicious.as_view()),
    *of_throttles,
    path("", include("lab.urls")),  # To which the site's own pages link.
]


def careless(request, exception):
    """Answer as a site does that lets everybody store its errors."""
    return HttpResponse("Of the site.", status=CARELESS, headers={"Cache-Control": "public, max-age=60"})


CARELESS = 400
handler400 = careless


def handler403(request, exception):
    return HttpResponse("Of the site.", status=403, headers={"Cache-Control": "public, max-age=60"})


def handler404(request, exception):
    return HttpResponse("Of the site.", status=404, headers={"Cache-Control": "public, max-age=60"})


def assert_private(answer):
    headers = answer.headers
    assert {part.strip() for part in headers["Cache-Control"].split(",")} in (
        {"private", "no-store"},
        {"private", "no-cache"},
    )
    assert {"Cookie", "X-Offload-Token"} <= set(headers["Vary"].split(", "))
    assert (headers["Referrer-Policy"], headers["X-Content-Type-Options"]) == ("strict-origin", "nosniff")
    # A page with a form has the CSRF cookie.
    assert not answer.cookies or "<form" in answer.text


@pytest.fixture
def cut(offload, monkeypatch):
    """Take AWS away."""

    def refuse(*args, **kwargs):
        raise OutOfTime(5)

    for store in offload.stores.values():
        for name in ("change", "get", "parts"):
            monkeypatch.setattr(store, name, refuse)
    for transport in offload.transports.values():
        monkeypatch.setattr(transport, "send", refuse)


REFUSED = {
    "a throttle": ("POST", "/busy/", 429),
    "a throttle in a view function": ("POST", "/function/", 429),
    "no permission": ("POST", "/forbidden/", 403),
    "no permission for the form": ("GET", "/for-staff/", 403),
    "a wrong method of a trigger": ("PUT", "/double/", 405),
    "a wrong method of a status": ("POST", UNKNOWN, 405),
    "a wrong method of a progress": ("DELETE", f"{UNKNOWN}progress/", 405),
    "a wrong method of a cancel": ("GET", f"{UNKNOWN}cancel/", 405),
    "an unknown task": ("GET", UNKNOWN, 404),
    "wrong arguments": ("POST", "/double/", 400),
    "an attack": ("POST", "/suspicious/", 400),
}


@pytest.mark.parametrize("headers", [JSON, BROWSER, HTMX], ids=["JSON", "a browser", "htmx"])
@pytest.mark.parametrize(("method", "path", "status"), REFUSED.values(), ids=REFUSED)
def test_t07_a_refusal_is_private(visitor, settings, tmp_path, headers, method, path, status):
    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    settings.CACHES = dict.fromkeys(("default", "shared", "of the function", "of another view"), cache)
    client = visitor("ada").client
    for _ in range(2 if path == "/function/" else 0):
        client.post(path)

    answer = client.generic(method, path, headers=headers)

    assert answer.status_code == status
    assert_private(answer)
    assert ("Allow" in answer.headers) is (status == 405)
    assert ("Retry-After" in answer.headers) is (status == 429)


@pytest.mark.parametrize("headers", [JSON, BROWSER, HTMX], ids=["JSON", "a browser", "htmx"])
@pytest.mark.parametrize("path", ["/double/", UNKNOWN, f"{UNKNOWN}progress/", f"{UNKNOWN}cancel/"])
def test_an_answer_without_aws_is_private(visitor, cut, headers, path):
    client = visitor("ada", is_staff=True, is_superuser=True).client
    reads = path == UNKNOWN or "progress" in path

    answer = client.get(path, headers=headers) if reads else client.post(path, {"number": 1}, headers=headers)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert_private(answer)


ANYTHING = {"Accept": "*/*"}
# Two requests that differ in one header, which may choose between JSON and a page.
CHOOSING = {
    "Accept": (JSON, BROWSER),
    "HX-Request": (ANYTHING, HTMX),
    "Sec-Fetch-Mode": (BROWSER, BROWSER | {"Sec-Fetch-Mode": "navigate"}),
}


@pytest.mark.parametrize("name", CHOOSING)
@pytest.mark.parametrize("reachable", [True, False], ids=["with AWS", "without AWS"])
def test_a_refusal_varies_with_each_header_that_chooses_its_form(
    request, visitor, settings, tmp_path, name, reachable
):
    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    settings.CACHES = dict.fromkeys(("default", "shared", "of the function", "of another view"), cache)
    client = visitor("ada", is_staff=True, is_superuser=True).client
    asked = [(method, path) for method, path, _ in REFUSED.values()]
    for _ in range(2 if reachable else 0):  # As many as its throttle lets pass.
        client.post("/function/")
    if not reachable:
        request.getfixturevalue("cut")
        asked = [("POST", "/double/"), ("GET", UNKNOWN), ("POST", f"{UNKNOWN}cancel/")]

    pairs = [
        (method, path, *(client.generic(method, path, headers=headers) for headers in CHOOSING[name]))
        for method, path in asked
    ]

    chosen = [pair for pair in pairs if pair[2].headers["Content-Type"] != pair[3].headers["Content-Type"]]
    assert chosen or (name == "Sec-Fetch-Mode") is reachable, "The header chooses nothing here."
    assert not [
        (method, path)
        for method, path, *answers in chosen
        if any(name not in answer.headers["Vary"].split(", ") for answer in answers)
    ]


def fields(number):
    return "&".join(f"f{one}=1" for one in range(number)).encode()


def files(number):
    return encode_multipart(BOUNDARY, {f"f{one}": io.BytesIO(b"1") for one in range(number)})


PART = b'--x\r\nContent-Disposition: form-data; name="number"\r\n\r\n1\r\n--x--\r\n'
MALFORMED = {
    "too many fields": (fields(1_001), FORM, "The form has more than 1000 fields. Send fewer."),
    "too many files": (files(101), MULTIPART_CONTENT, "The form has more than 100 files. Send fewer."),
    "too large JSON": (b" " * 2_621_441, "application/json", "The request is larger than 2.5 MB."),
    "a too large form": (b"a=" + b"1" * 2_621_440, FORM, "The request is larger than 2.5 MB."),
    "no boundary": (PART, "multipart/form-data", "The form can't be read. Send it as its Content-Type says,"),
    "a wrong boundary": (PART, "multipart/form-data; boundary=é", "The form can't be read. Send it as its"),
    "no base64": (
        PART.replace(b'"number"', b'"f"; filename="f"\r\nContent-Transfer-Encoding: base64'),
        "multipart/form-data; boundary=x",
        "The form can't be read.",
    ),
    "another charset": (
        b"number=1",
        f"{FORM}; charset=utf-16",
        "The request can't be read. Send it as UTF-8",
    ),
    "no charset of text": (
        PART,
        "multipart/form-data; boundary=x; charset=hex",
        "The request can't be read. Send it as UTF-8",
    ),
    "an odd charset": (
        PART,
        "multipart/form-data; boundary=x; charset=idna",
        "The request can't be read. Send",
    ),
}


@pytest.mark.parametrize("path", ["/double/", "/strict/"])
@pytest.mark.parametrize("debug", [True, False], ids=["in debug mode", "deployed"])
@pytest.mark.parametrize(("body", "content_type", "said"), MALFORMED.values(), ids=MALFORMED)
def test_t08_a_script_reads_in_json_what_is_wrong_with_a_malformed_request(
    visitor, offload, settings, path, debug, body, content_type, said
):
    settings.DEBUG = debug
    client = visitor().client

    answer = client.generic("POST", path, body, content_type=content_type, headers=JSON)
    page = client.generic("POST", path, body, content_type=content_type, headers=BROWSER)

    assert (answer.status_code, page.status_code) == (400, 400)
    ((error,),) = answer.json()["errors"].values()
    assert error["message"].replace("\xa0", " ").startswith(said)
    assert error["code"] in {"malformed", "content_type", "json"}
    assert_private(answer)
    assert_private(page)
    assert offload.run() == 0


def test_a_request_that_ends_early_is_400(visitor, offload):
    class Cut(io.BytesIO):
        def read(self, *args):
            raise OSError("The client is gone")

    answer = visitor().client.generic(
        "POST",
        "/double/",
        b"",
        content_type=FORM,
        headers=JSON,
        **{"wsgi.input": Cut(), "CONTENT_LENGTH": "9"},
    )

    assert answer.status_code == 400
    assert answer.json()["errors"]["__all__"][0]["message"].startswith("The request can't be read.")
    assert offload.run() == 0


def test_a_refusal_quotes_nothing_of_an_attack_and_is_in_the_log(visitor, caplog):
    answer = visitor().client.post("/suspicious/", headers=JSON)

    assert "attack" not in answer.text
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("django.security.SuspiciousOperation", "ERROR")
    ]


@pytest.mark.parametrize("charset", ["hex", "idna", "rot13"])
def test_a_cancel_in_an_odd_charset_is_400(visitor, settings, charset):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    client = visitor("ada", csrf=True).client
    client.cookies["csrftoken"] = "c" * 32

    for headers in (JSON, BROWSER):
        answer = client.generic(
            "POST",
            f"{UNKNOWN}cancel/",
            PART,
            content_type=f"multipart/form-data; boundary=x; charset={charset}",
            headers=headers,
        )

        assert answer.status_code == 400
        assert_private(answer)
        assert "Accept" in answer.headers["Vary"].split(", ")  # A script gets JSON, and a browser a page.
