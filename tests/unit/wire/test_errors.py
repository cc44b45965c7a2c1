"""The errors of the lean client: as drawn, sentences that end with what to do, and redelivered."""

import json
import re
from inspect import getmembers, isclass

import pytest

from django_offload.wire.explained import explain
from django_offload.wire.lean import SERVICES, errors
from django_offload.wire.lean.answer import Answer
from django_offload.wire.lean.dynamodb import DynamoDB
from django_offload.wire.lean.sqs import SQS

CLASSES = {
    name: kind
    for name, kind in getmembers(errors, isclass)
    if issubclass(kind, errors.CallFailed) and kind.__module__ == errors.__name__
}
# As AWS goes on where a signature is not what it should be.
CANONICAL = """The Canonical String for this request should have been
'POST
/

host:dynamodb.eu-west-1.amazonaws.com
x-amz-security-token:secret
'

The String-to-Sign should have been
'AWS4-HMAC-SHA256'
"""
EXAMPLES = [
    errors.NotConfigured("No region is named"),
    errors.NoCredentials("there are none"),
    errors.NoAnswer("https://q", "Could not connect to the endpoint URL:"),
    errors.StaleConnection("https://q"),
    SQS().refusal("SendMessage", Answer(400, {}, b'{"__type": "AccessDenied", "message": "Not\\nyou"}')),
]


def drawn():
    path = []
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line)
        if match:
            path[len(match[1]) // 4 :] = [match[2]]
            yield match[2], path[-2] if len(path) > 1 else None


def test_the_drawing_shows_every_class_once_and_where_it_stands():
    rows = dict(drawn())

    assert sorted(rows) == sorted([*CLASSES, "OffloadError"])
    for name, kind in CLASSES.items():
        assert rows[name] == kind.__bases__[0].__name__


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_message_is_a_sentence_that_ends_with_what_to_do(error):
    assert re.search(r"\. (Set|Give|Check|Look|Correct) [^\n]*\.$", str(error)), str(error)
    assert "\n" not in str(error)
    assert error.retryable


def test_a_refusal_keeps_the_facts():
    refused = EXAMPLES[-1]

    assert (refused.operation_name, refused.status, refused.code) == ("SendMessage", 400, "AccessDenied")
    assert str(refused).startswith("AWS refused SendMessage with AccessDenied: Not you. Look")


@pytest.mark.parametrize("service", [SERVICES[name] for name in ("dynamodb", "lambda", "sqs")])
def test_what_is_caught_by_name_has_that_name(service):
    assert service.refusals
    for code, kind in service.refusals.items():
        assert kind.__name__ == code or code == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("say", [str, explain], ids=["itself", "a command"])
def test_what_aws_says_of_a_signature_is_told_without_the_request(say):
    body = {"__type": "x#InvalidSignatureException", "message": f"It does not match.\n\n{CANONICAL}"}

    refused = DynamoDB().refusal("PutItem", Answer(400, {}, json.dumps(body).encode()))

    assert "PutItem with InvalidSignatureException: It does not match. " in say(refused)
    assert "Canonical" not in say(refused)
    assert "secret" not in say(refused)
