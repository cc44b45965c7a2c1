"""The errors of the lean client: their classes, and messages that end with what to do."""

import json

import pytest

from django_offload.aws.explain import explain
from django_offload.aws.lean import SERVICES
from django_offload.aws.lean.response import Response
from django_offload.aws.lean.services import SQS, DynamoDB

# How AWS's message about a wrong signature continues.
CANONICAL = """The Canonical String for this request should have been
'POST
/

host:dynamodb.eu-west-1.amazonaws.com
x-amz-security-token:secret
'

The String-to-Sign should have been
'AWS4-HMAC-SHA256'
"""
REFUSED = SQS().refusal(
    "SendMessage", Response(400, {}, b'{"__type": "AccessDenied", "message": "Not\\nyou"}')
)


def test_a_refusal_contains_operation_status_and_code():
    refused = REFUSED

    assert (refused.operation_name, refused.status, refused.code) == ("SendMessage", 400, "AccessDenied")
    assert str(refused).startswith("AWS refused SendMessage with AccessDenied: Not you. Look")


@pytest.mark.parametrize("service", [SERVICES[name] for name in ("dynamodb", "lambda", "sqs")])
def test_refusals_have_the_names_of_their_codes(service):
    assert service.refusals
    for code, kind in service.refusals.items():
        assert kind.__name__ == code or code == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("say", [str, explain], ids=["itself", "a command"])
def test_the_message_about_a_signature_does_not_contain_the_request(say):
    body = {"__type": "x#InvalidSignatureException", "message": f"It does not match.\n\n{CANONICAL}"}

    refused = DynamoDB().refusal("PutItem", Response(400, {}, json.dumps(body).encode()))

    assert "PutItem with InvalidSignatureException: It does not match. " in say(refused)
    assert "Canonical" not in say(refused)
    assert "secret" not in say(refused)
