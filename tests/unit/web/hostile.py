"""Events that are no HTTP request: everything that Zappa's handler obeys, and what other services send."""

from typing import Any

from .events import function_url, http_api_2, rest_api

MARK = "OFFLOAD_OBEYED"
_CODE = f"import os; os.environ['{MARK}'] = '1'"


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


def in_context(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return event | {"requestContext": event["requestContext"] | changes}


HOSTILE: dict[str, Any] = {
    "raw_command": {"raw_command": _CODE},
    "command": {"command": "antigravity.geohash", "args": [1, 2, b"".decode()]},
    "manage": {"manage": "check"},
    "asynchronous task": {
        "command": "zappa.asynchronous.route_lambda_task",
        "task_path": "antigravity.fly",
        "args": [],
        "kwargs": {},
    },
    "stage variables alone": {"stageVariables": {MARK: "1", "PYTHONPATH": "/tmp"}},
    "keep warm": {
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/x-handler.keep_warm_callback"],
    },
    "schedule": {
        "detail-type": "Scheduled Event",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/shop-antigravity.fly"],
    },
    "SQS": {"Records": [{"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:::q", "body": "{}"}]},
    "SNS": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "antigravity.fly", "TopicArn": "a"}}]},
    "S3": {"Records": [{"s3": {"configurationId": "x:antigravity.fly"}}]},
    "DynamoDB": {"Records": [{"dynamodb": {}, "eventSourceARN": "arn"}]},
    "Lex": {"bot": {"name": "x"}, "currentIntent": {"name": "order"}, "invocationSource": "DialogCodeHook"},
    "Cognito": {"version": "1", "triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "request": {}},
    "logs": {"awslogs": {"data": "H4sIAAAA"}},
    "authorizer, token": {"type": "TOKEN", "authorizationToken": "x", "methodArn": "arn"},
    "authorizer of a REST API": rest_api(type="REQUEST", methodArn="arn:aws:execute-api:::a/dev/GET/"),
    "authorizer of an HTTP API": http_api_2(type="REQUEST", routeArn="arn:aws:execute-api:::a/dev/GET/"),
    "WebSocket connect": {
        "headers": {},
        "multiValueHeaders": {},
        "requestContext": {"eventType": "CONNECT", "connectionId": "x", "domainName": MARK, "stage": "dev"},
    },
    "WebSocket message with a method": in_context(rest_api(), eventType="MESSAGE", connectionId="x"),
    "load balancer": in_context(rest_api(), elb={"targetGroupArn": "arn:aws:elasticloadbalancing:::t"}),
    "worker's own message": {"v": 1, "id": "0" * 32, "sig": "x", "task": "antigravity.fly"},
    "an unknown version": rest_api(version="3.0"),
    "a version that is a number": http_api_2(version=2.0),
    "no context": without(rest_api(), "requestContext"),
    "no context, format 2.0": without(function_url(), "requestContext"),
    "no method": without(rest_api(), "httpMethod"),
    "no path": without(rest_api(), "path"),
    "no raw path": without(http_api_2(), "rawPath"),
    "a method with a line break": rest_api(httpMethod="GET\r\nX: y"),
    "a path that is a list": rest_api(path=["/"]),
    "headers that are a list": function_url(headers=["host"]),
    "a header that is a list": function_url(headers={"host": ["a", "b"]}),
    "a body that is an object": function_url(body={"raw_command": _CODE}),
    "a body with half a character": rest_api(body="\ud800"),
    "a body that isn't base64": rest_api(body="%zz", isBase64Encoded=True),
    "a body of base64 that isn't ASCII": function_url(body="é", isBase64Encoded=True),
    "a body of base64 without its end": function_url(body="eA", isBase64Encoded=True),
    "a flag that is text": http_api_2(body="{}", isBase64Encoded="false"),
    "cookies that are numbers": function_url(cookies=[1, 2]),
    "an address that is an object": in_context(rest_api(), identity={"sourceIp": {"of": MARK}}),
    "a user that is an object": in_context(rest_api(), authorizer={"principalId": {"of": MARK}}),
    "an authorizer that is a list": in_context(http_api_2(), authorizer={"lambda": [MARK]}),
    "an authorizer that is text": in_context(http_api_2(), authorizer={"iam": MARK}),
    "an empty object": {},
    "a list": [rest_api()],
    "text": _CODE,
    "nothing": None,
    "a number": 7,
}
