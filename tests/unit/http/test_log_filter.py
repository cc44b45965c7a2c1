"""No token of a link reaches a log line or an error report."""

import logging
import logging.config
from io import StringIO

import pytest
from django.apps import apps
from django.core import mail
from django.core.checks.registry import registry
from django.core.servers.basehttp import WSGIRequestHandler
from django.http import QueryDict
from django.utils.log import DEFAULT_LOGGING

from django_offload.apps import LOGGERS
from django_offload.http.log_filter import HIDDEN, TokenFilter, hide_in_request, without_tokens
from django_offload.http.tokens import piece_token, status_token
from tests.versions.mail import mail_settings

pytestmark = pytest.mark.urls("tests.unit.http.setup")

ID = "0" * 32
TOKEN = "1xXvYN:PX6wsZe9YB-hrmRjzMiXJwGn-ZRjwzKtqN_qQQeiLuw"
QUERIES = {
    "alone": f"?token={TOKEN}",
    "percent-encoded value": f"?token={TOKEN.replace(':', '%3A')}",
    "after others": f"?a=b&token={TOKEN}",
    "before others": f"?token={TOKEN}&a=b",
    "twice": f"?token={TOKEN}&token={TOKEN}",
    "percent-encoded name": f"?%74oken={TOKEN}",
    "percent-encoded capital": f"?%54o%6Be%6e={TOKEN}",
    "in HTML": f"?a=b&amp;token={TOKEN}",
    "in JSON": rf"?a=b\u0026token={TOKEN}",
    "upper case": f"?TOKEN={TOKEN}",
    "a link in a link": f"?next=/tasks/{ID}/%3Ftoken%3D{TOKEN.replace(':', '%3A')}",
    "a link in a link in a link": f"?next=%2F%3Fnext%3D%252Ftasks%252F%253Fa%253Db%2526token%253D{TOKEN}",
}
OTHERS = [
    "?csrfmiddlewaretoken=a",
    "?tokens=a",
    "?token",
    "?broken=a",
    "/token=a/",
    "?a=token&b=c",
    "?token=&a=b",
]


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_request_line_has_no_token(query):
    line = f"GET /tasks/{ID}/{query} HTTP/1.1"

    safe = without_tokens(line)

    assert TOKEN[-20:] not in safe
    assert safe.count(HIDDEN) == (2 if query == QUERIES["twice"] else 1)
    assert safe.endswith(" HTTP/1.1")
    assert ("a=b" in safe or "a%253Db" in safe) == ("a=b" in query or "a%253Db" in query)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_whatever_django_reads_as_a_token_is_hidden(query):
    safe = QueryDict(without_tokens(query).removeprefix("?"))

    assert all(TOKEN not in value for _, values in safe.lists() for value in values)


@pytest.mark.parametrize(
    "dump",
    [
        f"X-Offload-Token: {TOKEN}",
        f"{{'headers': {{'x-offload-token': '{TOKEN}', 'x': '***'}}, 'rawQueryString': 'token={TOKEN}'}}",
        f'{{"headers":{{"x-offload-token":"{TOKEN}"}},"rawQueryString":"a=b&token={TOKEN}"}}',
        f"[(b'x-offload-token', b'{TOKEN}')]",
    ],
)
def test_a_dump_of_a_request_has_no_token(dump):
    assert without_tokens(dump) == dump.replace(TOKEN, HIDDEN)


@pytest.mark.parametrize("query", OTHERS)
def test_other_parameters_stay(query):
    assert without_tokens(f"GET /{query} HTTP/1.1") == f"GET /{query} HTTP/1.1"


@pytest.mark.parametrize("make", [lambda: status_token(ID), lambda: piece_token(ID, {"label": "A & B"})])
def test_every_character_of_a_real_token_is_hidden(make):
    assert without_tokens(f"/tasks/?token={make()}") == f"/tasks/?token={HIDDEN}"


@pytest.fixture
def lines():
    """Return a function that logs once through a filtered logger, and returns what was written."""
    stream = StringIO()
    logger, handler, token_filter = (
        logging.getLogger("some.access"),
        logging.StreamHandler(stream),
        TokenFilter(),
    )
    logger.addHandler(handler)
    logger.addFilter(token_filter)

    def log(*arguments, **options):
        logger.error(*arguments, **options)
        return stream.getvalue()

    yield log
    logger.removeHandler(handler)
    logger.removeFilter(token_filter)


@pytest.mark.parametrize(
    "arguments",
    [
        (f"GET /?token={TOKEN}",),
        (ValueError(f"/?token={TOKEN}"),),
        ('"%s" %s %d', f"GET /?token={TOKEN}", "200", 12),
        ("%s", ValueError(f"/?token={TOKEN}")),
        ("%(r)s %(f)s", {"r": f"GET /?token={TOKEN}", "f": f"https://example.com/?token={TOKEN}"}),
    ],
    ids=["message", "exception as message", "arguments", "exception as argument", "atoms"],
)
def test_each_form_of_log_call_is_filtered(lines, arguments):
    written = lines(*arguments)

    assert TOKEN not in written
    assert f"token={HIDDEN}" in written


class Atoms(dict):
    """What gunicorn logs: a mapping that has a value for every name."""

    def __getitem__(self, name):
        return super().get(name, "-")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        (
            "gunicorn.access",
            (
                '"%(r)s" %(s)s "%(f)s" %(u)s',
                Atoms(r=f"GET /?token={TOKEN} HTTP/1.1", s="200", f=f"/?token={TOKEN}"),
            ),
            '"GET /?token=*** HTTP/1.1" 200 "/?token=***" -',
        ),
        (
            "uvicorn.access",
            ('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", f"/?token={TOKEN}", "1.1", 200),
            '127.0.0.1:1 - "GET /?token=*** HTTP/1.1" 200',
        ),
    ],
)
def test_the_access_log_of_a_server_that_runs_django_is_filtered(caplog, name, arguments, expected):
    caplog.set_level(logging.INFO, name)

    logging.getLogger(name).info(*arguments)

    assert caplog.messages == [expected]


def test_the_caller_keeps_its_own_mapping(lines):
    atoms = {"r": f"GET /?token={TOKEN}"}

    lines("%(r)s", atoms)

    assert atoms == {"r": f"GET /?token={TOKEN}"}


def test_a_traceback_is_filtered(lines):
    try:
        raise RuntimeError(f"Change your form to point to /cancel/?token={TOKEN}")
    except RuntimeError:
        written = lines("Internal Server Error", exc_info=True)

    assert "RuntimeError: Change your form to point to /cancel/?token=***" in written
    assert TOKEN not in written


def test_the_app_filters_each_logger_and_registers_each_check_once():
    config = apps.get_app_config("django_offload")
    names = [*LOGGERS, "django.security.DisallowedHost", "django.security.TooManyFieldsSent"]
    before = {name: list(logging.getLogger(name).filters) for name in names}
    checks = set(registry.registered_checks)

    config.ready()  # Django calls it again when a test overrides INSTALLED_APPS.

    assert registry.registered_checks == checks

    assert {"django.server", "django.request", "django.security.csrf"} <= set(LOGGERS)
    assert {name: logging.getLogger(name).filters for name in names} == before
    assert all(len(filters) == 1 for filters in before.values())


@pytest.fixture
def restored_logging():
    """Undo what a test configures, for the loggers of the whole process."""
    loggers = [
        logging.root,
        *(one for one in logging.root.manager.loggerDict.values() if hasattr(one, "handlers")),
    ]
    before = [(one, one.handlers[:], one.level, one.propagate, one.disabled) for one in loggers]
    yield
    for one, handlers, level, propagate, disabled in before:
        one.handlers, one.propagate, one.disabled = handlers, propagate, disabled
        one.setLevel(level)


@pytest.mark.parametrize("disable_existing", [True, False])
def test_a_logging_setting_of_the_project_keeps_the_filter(restored_logging, rf, disable_existing):
    stream = StringIO()
    logging.config.dictConfig(DEFAULT_LOGGING)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": disable_existing,
            "handlers": {"own": {"class": "logging.StreamHandler", "stream": stream}},
            "loggers": {"django.server": {"handlers": ["own"], "level": "INFO", "propagate": False}},
        }
    )

    logging.getLogger("django.server").info('"%s" %s %s', f"GET /tasks/?token={TOKEN} HTTP/1.1", "200", "5")

    assert stream.getvalue() == '"GET /tasks/?token=*** HTTP/1.1" 200 5\n'


def test_a_malformed_request_line_is_filtered(caplog):
    caplog.set_level(logging.INFO, "django.server")
    handler = WSGIRequestHandler.__new__(WSGIRequestHandler)
    handler.request, handler.client_address = None, ("127.0.0.1", 1)

    handler.log_error("code %d, message %s", 400, f"Bad request syntax ('GET /?token={TOKEN} a b')")

    assert "Bad request syntax ('GET /?token=*** a b')" in caplog.text
    assert TOKEN not in caplog.text


def test_hiding_changes_nothing_else_of_a_request(rf):
    request = rf.get(
        f"/tasks/?a=1&a=2&token={TOKEN}&TOKEN=b&next=/?token={TOKEN}&c=%C3%A9",
        headers={"cookie": "token=cookie", "referer": f"https://example.com/?token={TOKEN}&a=b"},
    )

    hide_in_request(request)

    assert (
        request.get_full_path()
        == f"/tasks/?a=1&a=2&token={HIDDEN}&TOKEN={HIDDEN}&next=/?token={HIDDEN}&c=%C3%A9"
    )
    assert dict(request.GET.lists()) == {
        "a": ["1", "2"],
        "token": [HIDDEN],
        "TOKEN": [HIDDEN],
        "next": [f"/?token={HIDDEN}"],
        "c": ["é"],
    }
    assert request.META["HTTP_REFERER"] == f"https://example.com/?token={HIDDEN}&a=b"
    assert request.COOKIES == {"token": "cookie"}
    with pytest.raises(AttributeError, match="immutable"):
        request.GET["a"] = "3"


@pytest.fixture
def mails(settings, restored_logging):
    """Return the HTML and text of the error mails that Django sends to the site's admins."""
    for name, value in mail_settings("ada@example.com").items():
        setattr(settings, name, value)
    handler = {"class": "django.utils.log.AdminEmailHandler", "include_html": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"mail": handler},
            "loggers": {"django": {"handlers": ["mail"], "level": "WARNING"}},
        }
    )

    def sent():
        return [
            text
            for one in mail.outbox
            for text in (one.subject, one.body, *(a.content for a in one.alternatives))
        ]

    return sent


@pytest.mark.parametrize("page", ["", "progress/"])
@pytest.mark.parametrize("way", ["link", "header"])
def test_an_error_mail_of_a_view_has_no_token(visitor, mails, monkeypatch, page, way):
    stranger, token = visitor(), piece_token(ID, {}) if page else status_token(ID)
    stranger.client.raise_request_exception = False
    monkeypatch.setattr("django_offload.http.access.find", None)  # Calling it raises an error.
    query = f"?token={token}" if way == "link" else ""
    headers = (
        {"X-Offload-Token": token} if way == "header" else {"Referer": f"http://testserver/?token={token}"}
    )

    answer = stranger.client.get(f"/tasks/{ID}/{page}{query}", headers=headers)

    assert answer.status_code == 500
    assert len(mails()) == 3
    assert not [text for text in mails() if token in text or token.replace(":", "%3A") in text]


def test_an_error_mail_of_a_refused_cancel_has_no_token(visitor, mails):
    stranger, token = visitor(csrf=True), status_token(ID)
    address = f"https://example.com/tasks/{ID}/?token={token}"

    answer = stranger.client.post(
        f"/tasks/{ID}/cancel/?token={token}", headers={"Referer": address}, secure=True
    )

    assert answer.status_code == 403
    assert f"example.com/tasks/{ID}/?token={HIDDEN} does not match" in mails()[0]
    assert not [text for text in mails() if token in text]


def test_an_error_mail_of_a_wrong_host_has_no_token(visitor, mails, settings):
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    token = status_token(ID)

    answer = visitor().client.get(f"/tasks/{ID}/?token={token}", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "Invalid HTTP_HOST header" in mails()[0]
    assert not [text for text in mails()[:2] if token in text]


def test_an_error_mail_leaves_out_lambdas_event_which_has_the_address_too(rf):
    request = rf.get("/tasks/")
    request.META["lambda.event"] = {"rawQueryString": f"token={TOKEN}"}
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "failed", (), None)
    record.request = request

    TokenFilter().filter(record)

    assert TOKEN not in str(record.request.META)
    assert request.META["lambda.event"] == {"rawQueryString": f"token={TOKEN}"}  # The site may still read it.
