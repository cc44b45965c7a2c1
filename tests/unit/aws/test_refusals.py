"""Results, refusals and retries are those of botocore for the same response."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from botocore.retries.standard import (
    ExponentialBackoff,
    ModeledRetryErrorDetector,
    RetryContext,
    StandardRetryConditions,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from django_offload.aws.lean import SERVICES, retry
from django_offload.aws.lean.response import Response
from django_offload.exceptions import NoAnswer
from tests.unit.aws.botocores import answered, botocores
from tests.unit.aws.generated import ITEM, TEXT

ARGUMENTS = {
    ("dynamodb", "put_item"): {"TableName": "shop", "Item": {}},
    ("dynamodb", "update_item"): {"TableName": "shop", "Key": {}},
    ("dynamodb", "get_item"): {"TableName": "shop", "Key": {}},
    ("dynamodb", "query"): {"TableName": "shop"},
    ("sqs", "send_message"): {"QueueUrl": "https://q", "MessageBody": "x"},
    ("sqs", "send_message_batch"): {"QueueUrl": "https://q", "Entries": [{"Id": "0", "MessageBody": "x"}]},
    ("sqs", "change_message_visibility"): {
        "QueueUrl": "https://q",
        "ReceiptHandle": "h",
        "VisibilityTimeout": 0,
    },
    ("sqs", "get_queue_url"): {"QueueName": "shop"},
    ("sqs", "get_queue_attributes"): {"QueueUrl": "https://q", "AttributeNames": ["All"]},
    ("lambda", "invoke"): {"FunctionName": "shop"},
    ("ssm", "get_parameters"): {"Names": ["/shop/key"]},
    ("secretsmanager", "get_secret_value"): {"SecretId": "shop/key"},
}
CODES = [
    *retry.THROTTLED,
    *(retry.TRANSIENT - {"ReplicatedWriteConflictException"}),
    "ConditionalCheckFailedException",
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "AccessDeniedException",
    "InternalServerError",
    "ExpiredTokenException",
    "RequestTimeTooSkewed",
    "ValidationException",
    "MessageNotInflight",
]
# Codes with which AWS refuses only writes.
OF_ITS_OWN = {
    "put_item": ["ReplicatedWriteConflictException"],
    "update_item": ["ReplicatedWriteConflictException"],
}
STATUSES = [302, 400, 403, 404, 408, 409, 413, 429, 500, 501, 502, 503, 504]
FORMER = {
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "ThrottlingException": "RequestThrottled",
}
CALLS = pytest.mark.parametrize(("service", "operation"), ARGUMENTS)
SOME = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def refusals(draw, service, operation):
    """Return a status, headers and a body with which AWS, or a proxy, may refuse a call."""
    code, message = draw(st.sampled_from([*CODES, *OF_ITS_OWN.get(operation, ())])), draw(TEXT)
    fields = {draw(st.sampled_from(["message", "Message"])): message}
    headers = {"x-amzn-requestid": "b25f48e8-84fd-11e6-80d9-574e0c4664cb"}
    full = draw(
        st.sampled_from(["{}", "com.amazonaws.dynamodb.v20120810#{}", "{}:http://internal.amazon.com/x/"])
    )
    if service == "lambda" and draw(st.booleans()):
        headers["x-amzn-errortype"] = full.format(code)
    elif draw(st.integers(0, 9)):
        fields["__type"] = full.format(code)
    # The header contains the same code as the body, and never comes without it.
    former = service == "sqs" and "__type" in fields and draw(st.booleans())
    if former:
        headers["x-amzn-query-error"] = f"{FORMER.get(code, code)};Sender"
    if draw(st.booleans()):
        fields["Item"] = draw(ITEM)
    body = json.dumps(fields).encode()
    bodies = st.one_of(
        st.just(body), st.sampled_from([b"", b"<html><body>Bad gateway</body></html>", b"no JSON"])
    )
    return draw(st.sampled_from(STATUSES)), headers, body if former else draw(bodies)


@CALLS
@SOME
@given(data=st.data())
def test_a_refusal_equals_botocores_error(service, operation, data):
    status, headers, body = data.draw(refusals(service, operation))

    ours = SERVICES[service]().refusal(operation, Response(status, headers, body))

    client = botocores(service)
    _, theirs = answered(client, operation, ARGUMENTS[service, operation], answer=(status, headers, body))
    assert isinstance(theirs, ClientError)
    assert ours.code == theirs.response["Error"]["Code"]
    assert ours.response["Error"]["Message"] == theirs.response["Error"]["Message"]
    assert ours.status == theirs.response["ResponseMetadata"]["HTTPStatusCode"]
    assert ours.response["ResponseMetadata"]["RequestId"] == headers["x-amzn-requestid"]
    caught = {kind.__name__ for kind in SERVICES[service].refusals.values()}
    assert {type(ours).__name__} - {"Refusal"} == {type(theirs).__name__} & caught


@pytest.mark.parametrize("item", [{"id": {"S": "x"}, "fence": {"N": "3"}}, {}])
def test_a_refused_condition_returns_the_item(item):
    body = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": item}
    answer = (400, {}, json.dumps(body).encode())

    ours = SERVICES["dynamodb"]().refusal("PutItem", Response(*answer))

    arguments = ARGUMENTS["dynamodb", "put_item"]
    _, theirs = answered(botocores("dynamodb"), "put_item", arguments, answer=answer)
    assert ours.response["Item"] == theirs.response["Item"] == item


RESULTS = {
    ("dynamodb", "put_item"): [{}, {"Attributes": {"id": {"S": "é"}, "n": {"N": "-12"}}}],
    ("dynamodb", "update_item"): [{"Attributes": {"a": {"L": [{"S": "x"}]}, "b": {"BOOL": False}}}],
    ("dynamodb", "query"): [
        {"Items": [{"id": {"S": "x"}}], "Count": 1, "LastEvaluatedKey": {"id": {"S": "x"}}}
    ],
    ("dynamodb", "get_item"): [{}, {"Item": {"id": {"S": "x"}, "empty": {"NULL": True}, "m": {"M": {}}}}],
    ("sqs", "send_message_batch"): [
        {
            "Successful": [{"Id": "0", "MessageId": "m", "MD5OfMessageBody": "0" * 32}],
            "Failed": [{"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "é"}],
        },
        {"Successful": [], "Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]},
    ],
    ("sqs", "change_message_visibility"): [{}],
    ("sqs", "get_queue_attributes"): [{}, {"Attributes": {"ApproximateNumberOfMessages": "12"}}],
    ("sqs", "send_message"): [{"MessageId": "m", "MD5OfMessageBody": "0" * 32}],
    ("sqs", "get_queue_url"): [{"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/shop"}],
    ("ssm", "get_parameters"): [
        {"Parameters": [{"Name": "/shop/key", "Value": "é", "Version": 2}], "InvalidParameters": ["/shop/x"]}
    ],
    ("secretsmanager", "get_secret_value"): [{"Name": "shop/key", "SecretString": "é", "VersionId": "v"}],
}


@pytest.mark.parametrize(("service", "operation"), RESULTS)
def test_a_result_is_what_botocore_returns(service, operation):
    for result in RESULTS[service, operation]:
        answer = (200, {}, json.dumps(result).encode())

        ours = SERVICES[service]().result(Response(*answer))

        _, theirs = answered(botocores(service), operation, ARGUMENTS[service, operation], answer=answer)
        assert ours == {name: value for name, value in theirs.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize(
    ("service", "fields", "expected"),
    [
        ("ssm", {"Parameters": [{"Value": "x", "LastModifiedDate": 1.5}]}, {"Parameters": [{"Value": "x"}]}),
        ("secretsmanager", {"CreatedDate": 1.5, "SecretBinary": "eA==", "Name": "x"}, {"Name": "x"}),
    ],
)
def test_results_lack_dates_and_bytes(service, fields, expected):
    assert SERVICES[service]().result(Response(200, {}, json.dumps(fields).encode())) == expected


@pytest.mark.parametrize("error", [None, "Unhandled"])
def test_what_invoke_returns_is_what_botocore_returns(error):
    headers = {"x-amz-function-error": error} if error else {}

    ours = SERVICES["lambda"]().result(Response(202, headers, b'{"answer":42}'))

    arguments = ARGUMENTS["lambda", "invoke"]
    _, theirs = answered(botocores("lambda"), "invoke", arguments, answer=(202, headers, b'{"answer":42}'))
    assert ours["StatusCode"] == theirs["StatusCode"] == 202
    assert ours["Payload"].read() == theirs["Payload"].read() == b'{"answer":42}'
    assert ours.get("FunctionError") == theirs.get("FunctionError") == error


@pytest.mark.parametrize("body", [b"", b"{}", b'{"Item": {}}', b"changed"])
def test_a_response_with_a_wrong_checksum_is_invalid(body):
    with pytest.raises(ValueError, match="changed on its way"):
        SERVICES["dynamodb"]().result(Response(200, {"x-amz-crc32": "12345"}, body))


def botocores_view(service, operation, refusal, tries):
    """Return a refusal as botocore's standard retry mode sees it."""
    model = botocores(service).meta.service_model.operation_model(
        "".join(part.title() for part in operation.split("_"))
    )
    response = SimpleNamespace(status_code=refusal.status, headers=dict(refusal.headers), content=b"")
    return RetryContext(
        attempt_number=tries,
        operation_model=model,
        parsed_response=refusal.response,
        http_response=response,
        request_context={},
    )


@CALLS
@SOME
@given(data=st.data())
def test_retries_and_pauses_equal_botocores(service, operation, data):
    status, headers, body = data.draw(refusals(service, operation))
    if data.draw(st.booleans()):
        headers["x-amz-retry-after"] = data.draw(st.sampled_from(["0", "100", "90000", "-4", "soon"]))
    tries, chance = data.draw(st.integers(1, 5)), data.draw(st.floats(0, 1, exclude_max=True))
    refusal = SERVICES[service]().refusal(operation, Response(status, headers, body))
    retries = retry.Retries(service, 4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django_offload.aws.lean.retry.random.random", lambda: chance)
        pause = retries.pause(refusal, tries)

    view = botocores_view(service, operation, refusal, tries)
    # AWS never sends the status of throttling with the code of another error.
    assume(status != retry.THROTTLED_STATUS or not ModeledRetryErrorDetector().is_modeled_error(view))
    conditions = StandardRetryConditions(max_attempts=retries.most_tries)
    detector = SimpleNamespace(is_throttling_error_from_context=lambda context: retry.is_throttled(refusal))
    backoff = ExponentialBackoff(random=lambda: chance, service_name=service, throttling_detector=detector)
    assert (pause is not None) == conditions.is_retryable(view), refusal
    assert pause is None or pause == pytest.approx(backoff.delay_amount(view))


def test_the_number_of_tries_is_that_of_awss_standard_mode():
    assert {name: retry.Retries(name, 10).most_tries for name in SERVICES} == {
        "dynamodb": 4,
        "lambda": 3,
        "sqs": 3,
        "ssm": 3,
        "secretsmanager": 3,
    }


def test_a_quota_ends_the_retries_of_a_client_that_always_fails():
    retries, failure = retry.Retries("sqs", 4), NoAnswer("https://q", "Could not connect to")

    paused = 0
    while retries.pause(failure, 1) is not None:
        paused += 1

    assert paused == 500 // 14
    retries.refill(failure)
    assert retries.pause(failure, 1) is not None
    assert retries.pause(failure, 1) is None
