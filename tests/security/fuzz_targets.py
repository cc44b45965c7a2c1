"""
What `make fuzz` throws inputs at: each target takes an input, and returns True if it was accepted.

A target raises if the input brings about anything but the documented answer.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from django.test import Client
from hypothesis import strategies as st

from django_offload.conf import Options, find_problems
from django_offload.conf.schedules import when_problem
from django_offload.exceptions import MessageRefused, UnknownEvent
from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import decode, encode
from django_offload.web.handler import Handler
from django_offload.web.requests import Site
from tests.security.corpus.bodies import FIELDS, NOT_JSON, NOT_OURS, resigned
from tests.security.corpus.names import NAMES
from tests.security.corpus.requests import COMMANDS, HOSTILE
from tests.security.forgeries import KEYS, MESSAGES
from tests.unit.conf.settings_values import OBJECTS
from tests.unit.conf.test_any_settings import FULL, VALUES, check_messages, messages_of, paths, replaced
from tests.unit.web.events import SHAPES

TEXTS = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(sorted(NAMES.values()))
SHORT_TEXTS = TEXTS.filter(lambda text: len(text) < 200)
NUMBERS = st.integers() | st.sampled_from([10**30, -(10**30), 2**63, 10**17, 0, -1]) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | SHORT_TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT_TEXTS, inner, max_size=3),
    max_leaves=4,
)


@dataclass(frozen=True)
class Target:
    """Something that takes inputs from outside."""

    inputs: st.SearchStrategy[Any]
    run: Callable[[Any], bool]  # Returns True if the input was accepted. Raises what is a crash.
    share: int  # Of a hundred inputs.
    # More inputs that are made of one, without asking Hypothesis for each, and how many they are.
    variants: Callable[[Any], Sequence[Any]] = lambda value: ()
    inputs_per_example: int = 1


def decoded(body: Any) -> bool:
    """Decode a body as a worker does before it claims anything. What is accepted can be sent again."""
    try:
        message = decode(body, KEYS)
    except MessageRefused:
        return False
    if decode(encode(message, KEYS), KEYS) != message:
        raise AssertionError("it is another message when it is sent again")
    return True


def changed_text(edits: tuple[str, list[tuple[int, int, str]]]) -> str:
    """Return a message after some edits, each of which replaces some characters at a place."""
    text, changes = edits
    for number, length, inserted in changes:
        place = number % (len(text) + 1)
        text = f"{text[:place]}{inserted}{text[place + length :]}"
    return text


PIECES = st.sampled_from(
    [*'{}[]",:\\0123456789aef', "null", "true", "1e999", "NaN", '"sig":"', ',"v":1', "\ud800"]
)
EDITED = st.tuples(
    st.sampled_from([*MESSAGES.values(), *(text for text in NOT_OURS.values() if len(text) < 300)]),
    st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 8), PIECES | st.text(max_size=3)),
        min_size=1,
        max_size=3,
    ),
).map(changed_text)
MESSAGE_FIELDS = [{k: v for k, v in json.loads(text).items() if k != "sig"} for text in MESSAGES.values()]
NAMED_FIELDS = sorted({*FIELDS, "sig"})


def with_fields(message: dict[str, Any], fields: dict[str, Any], lost: list[str], signed: bool) -> Any:
    """Return a message with other fields, signed by a key of ours or not at all."""
    changed = {name: value for name, value in (message | fields).items() if name not in lost}
    try:
        return resigned(changed, KEYS) if signed else dump(changed | {"sig": "0" * 64})
    except ValueError:  # JSON has no such number.
        return changed


FIELD_VALUES = JSON | st.sampled_from([value for values in FIELDS.values() for value in values])
SIGNED = st.builds(
    with_fields,
    st.sampled_from(MESSAGE_FIELDS),
    st.dictionaries(st.sampled_from(NAMED_FIELDS), FIELD_VALUES, min_size=1, max_size=2),
    st.lists(st.sampled_from(NAMED_FIELDS), max_size=1),
    st.booleans(),
)
INTEGERS = st.integers() | st.integers(0, 10**16)
VALID_FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("id", "alias", "name", "owner", "traceparent"), SHORT_TEXTS),
    **dict.fromkeys(("enqueued_at", "expires_at", "run_after", "depth"), INTEGERS),
    "args": st.lists(JSON, max_size=3),
    "kwargs": st.dictionaries(SHORT_TEXTS, JSON, max_size=3),
    "options": st.dictionaries(SHORT_TEXTS, JSON, max_size=2),
}
HONEST = st.builds(
    with_fields,
    st.sampled_from(MESSAGE_FIELDS),
    st.fixed_dictionaries({}, optional=VALID_FIELDS),
    st.just([]),
    st.just(True),
)
BODIES = (
    HONEST
    | EDITED
    | SIGNED
    | JSON
    | TEXTS
    | st.sampled_from([text for text in NOT_JSON.values() if len(text) < 200])
)

EDITS = 4
INSERTED = [*'{}[]",:\\0123456789aef', "", "", "null", "1e999", "NaN", ',"v":1', "\ud800", "[" * 3_000]


def edited(body: Any) -> list[str]:
    """Return some texts that differ from a body in a few characters, always the same ones."""
    if not isinstance(body, str) or not body:
        body = MESSAGES["small"]
    random = Random(ascii(body))
    found = []
    for _ in range(EDITS):
        start = random.randrange(len(body))
        end = min(start + random.choice((0, 1, 1, 1, 2, 64)), len(body))
        found.append(f"{body[:start]}{random.choice(INSERTED)}{body[end:]}")
    return found


PATHS = [
    "/plain/",
    "/count/",
    "/anything/",
    "/patient/",
    "/tasks/{}/",
    "/tasks/{}/cancel/",
    "/tasks/{}/progress/",
]
KINDS = st.sampled_from(
    [
        *("application/json", "application/json; charset=utf-16", "text/yaml", "", "APPLICATION/JSON"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"),
        *(
            "multipart/form-data; boundary=x; charset=hex",
            "application/json/x;;",
            "multipart/form-data; boundary=",
        ),
    ]
)
PARAMETERS = st.sampled_from(
    ["number", "total", "self", "context", "args", "\ud800", "csrfmiddlewaretoken", ""]
)
OBJECTS_OF_JSON = st.dictionaries(PARAMETERS | SHORT_TEXTS, JSON, max_size=3).map(
    lambda value: json.dumps(value).encode()
)
DEEP = st.integers(1, 3_000).map(lambda levels: b'{"number":' + b"[" * levels + b"]" * levels + b"}")
PARTS = st.sampled_from(
    [
        b'--x\r\nContent-Disposition: form-data; name="number"\r\n\r\n1\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\n1\r\n--x--\r\n',
        b"--x\r\n\r\n",
    ]
)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(
            ["POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"]
        ),
        "path": st.sampled_from(PATHS),
        "id": st.sampled_from(["0" * 32, "f" * 31, "G" * 32, "%00", "%ED%A0%80", "x" * 500]),
        "query": st.sampled_from(
            ["", "?token=", "?token=a:b:c", "?token=%00", "?said=%FF", "?token=%ED%A0%80"]
        ),
        "body": OBJECTS_OF_JSON | st.binary(max_size=40) | DEEP | PARTS,
        "kind": KINDS,
        "accept": st.sampled_from(
            ["", "*/*", "text/html", "application/json", "text/html;q=x", ";", "a/b;q=nan"]
        ),
        "htmx": st.booleans(),
    }
)


def requested(request: dict[str, Any]) -> bool:
    """Send a request to a view that enqueues, or to a task's own pages. A 500 is a crash."""
    headers = {"Accept": request["accept"], **({"HX-Request": "true"} if request["htmx"] else {})}
    path = request["path"].format(request["id"]) + request["query"]
    kind = request["kind"]
    if "hex" in kind and ("?" in path or path.startswith("/tasks/")):
        kind = ""  # Django itself raises while it decodes the query with such a charset.
    answer = Client().generic(request["method"], path, request["body"], content_type=kind, headers=headers)
    if answer.status_code >= 500:
        raise AssertionError(f"the answer was {answer.status_code}")
    return answer.status_code < 400


@dataclass(frozen=True)
class Setting:
    """A value at a place in TASKS. One of OBJECTS is given by its number, because not all can be shown."""

    path: tuple[Any, ...]
    value: Any
    number: int | None = None

    def tasks(self) -> Any:
        return replaced(FULL, self.path, self.value if self.number is None else OBJECTS[self.number])


SETTINGS = st.builds(Setting, st.sampled_from(paths(FULL)), VALUES | JSON) | st.builds(
    Setting, st.sampled_from(paths(FULL)), st.none(), st.integers(0, len(OBJECTS) - 1)
)
OPTIONS = st.builds(
    Setting,
    st.sampled_from([path for path in paths(FULL) if path[:2] == ("default", "OPTIONS")]),
    VALUES | JSON,
)


def checked(setting: Setting) -> bool:
    """Run every system check with a value of TASKS. Each message must have a hint."""
    messages = messages_of(setting.tasks())
    check_messages(messages)
    return not messages


def parsed(setting: Setting) -> bool:
    """Validate the entry of one alias, and parse it if nothing is wrong with it."""
    params = setting.tasks()["default"]
    problems = list(find_problems(params))
    if not problems:
        Options.parse("default", params)
    return not problems


ITEMS = st.sampled_from(
    [*"*?LW#/-,0", "L-3", "MON#2", "JAN", "22-2", "0/5", "59", "60", "2199", "1W", "LW", "\u0661", "MON-"]
)
GOOD_CRON = [
    "0/5 3 ? * MON-FRI *",
    "0 0 L * ? 2027",
    "59 23 1W JAN,JUL ? *",
    "* 22-2 ? 1-3 6#3 *",
    "0 12 * * ? *",
]
ITEM = st.lists(ITEMS, min_size=1, max_size=3).map("".join)


def cron(good: str, place: int, item: str) -> str:
    """Return an expression with another field at a place, or one field more."""
    fields = good.split(" ")
    return f"cron({' '.join([*fields[:place], item, *fields[place + 1 :]])})"


CRON = st.builds(cron, st.sampled_from(GOOD_CRON), st.integers(0, 6), ITEM | SHORT_TEXTS)
TIMES = (
    CRON
    | st.builds(
        "rate({} {})".format, NUMBERS | SHORT_TEXTS, st.sampled_from(["minute", "minutes", "days", ""])
    )
    | TEXTS
    | JSON
)


def timed(when: Any) -> bool:
    """Check the time of a schedule. What is wrong with it is said in words that any terminal can print."""
    problem = when_problem(when)
    for sentence in problem or ():
        sentence.encode()
    return problem is None


def with_parts(event: dict[str, Any], parts: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    inner = event.get("requestContext")
    return (
        event | parts | ({"requestContext": inner | context} if isinstance(inner, dict) and context else {})
    )


EVENT_PARTS = sorted({*SHAPES["REST API"], *SHAPES["function URL"], *COMMANDS} - {"requestContext"})
CONTEXT_PARTS = ["http", "identity", "stage", "authorizer", "elb", "connectionId", "eventType", "domainName"]
EVENTS = st.builds(
    with_parts,
    st.sampled_from([*SHAPES.values(), *(event for event in HOSTILE.values() if isinstance(event, dict))]),
    st.dictionaries(st.sampled_from(EVENT_PARTS), JSON, max_size=2),
    st.dictionaries(st.sampled_from(CONTEXT_PARTS), JSON, max_size=1),
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with what Django reads first."""
    for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "REMOTE_ADDR"):
        environ[name].encode("latin-1")
    environ["wsgi.input"].read()
    start_response("204 No Content", [])
    return []


HANDLER = Handler(application, Site(stage="dev", headers_from_context={"X-User": "authorizer.claims.sub"}))


def translated(event: Any) -> bool:
    """Have the web function translate an event. It is a request, or UnknownEvent."""
    try:
        response = HANDLER(event, None)
    except UnknownEvent:
        return False
    if response["statusCode"] >= 500:
        raise AssertionError(response["body"])
    return True


TARGETS = {
    "decoder": Target(BODIES, decoded, 65, edited, 1 + EDITS),
    "web events": Target(EVENTS, translated, 10),
    "options": Target(OPTIONS, parsed, 10),
    "HTTP arguments": Target(REQUESTS, requested, 9),
    "times of schedules": Target(TIMES, timed, 5),
    "settings": Target(SETTINGS, checked, 1),
}
