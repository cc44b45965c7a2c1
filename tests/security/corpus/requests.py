"""Events that are no HTTP request: everything that Zappa's handler obeys, and what other services send."""

import base64
from typing import Any

from tests.unit.web.events import function_url, http_api_1, http_api_2, rest_api

from .names import HERE, NAMES, PICKLE

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
    "cookies that are numbers": function_url(cookies=[1, 2]),
    "an address that is an object": in_context(rest_api(), identity={"sourceIp": {"of": MARK}}),
    "a user that is an object": in_context(rest_api(), authorizer={"principalId": {"of": MARK}}),
    "an authorizer that is a list": in_context(http_api_2(), authorizer={"lambda": [MARK]}),
    "an authorizer that is text": in_context(http_api_2(), authorizer={"iam": MARK}),
    "a method of another case and kind": rest_api(httpMethod=["POST"]),
    "a method with a blank": rest_api(httpMethod="GET /admin/"),
    "a method that is empty": rest_api(httpMethod=""),
    "a method beyond ASCII": http_api_2(requestContext={"http": {"method": "G\u00c9T"}}),
    "a path that is null": rest_api(path=None),
    "a raw path that is a number": http_api_2(rawPath=7),
    "a query that is a list": http_api_2(rawQueryString=["a=1"]),
    "parameters that are a list": rest_api(multiValueQueryStringParameters=["a"]),
    "a header whose value is null": rest_api(headers={"Host": None}, multiValueHeaders={"Host": [None]}),
    "a header whose values are a number": rest_api(multiValueHeaders={"Host": 7}),
    "a header whose value is an object": rest_api(multiValueHeaders={"Host": [{"of": MARK}]}),
    "a body that is bytes in a list": rest_api(body=[1, 2, 3]),
    "a body that is a number": http_api_2(body=7),
    "a body with half a character": rest_api(body="\ud800"),
    "a body that isn't base64": rest_api(body="%zz", isBase64Encoded=True),
    "a body of base64 that isn't ASCII": function_url(body="\u00e9", isBase64Encoded=True),
    "a body of base64 without its end": function_url(body="eA", isBase64Encoded=True),
    "a flag that is text": http_api_2(body="{}", isBase64Encoded="false"),
    "a context that is a list": rest_api(requestContext=[]),
    "a context that is a text": http_api_2(requestContext="http"),
    "an HTTP context that is a list": http_api_2(requestContext={"http": ["GET"]}),
    "an identity that is a list": in_context(rest_api(), identity=["127.0.0.1"]),
    "a stage that is an object": in_context(http_api_2(), stage={"of": MARK}),
    "a version that is a list": rest_api(version=["1.0"]),
    "an empty object": {},
    "a list": [rest_api()],
    "text": _CODE,
    "nothing": None,
    "a number": 7,
}

# What Zappa's handler obeys, in an event that is a request too: it is answered, and only as a request.
COMMANDS: dict[str, Any] = {
    "stageVariables": {MARK: "1", "DJANGO_SETTINGS_MODULE": f"{HERE}.unheard_of"},
    "command": f"{HERE}.unheard_of.Error",
    "raw_command": _CODE,
    "manage": "check",
    "task_path": f"{HERE}.tripwire.fire",
    "Records": [{"eventSource": "aws:sqs", "body": "{}"}],
    "sig": "x",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "schedule": "nightly",
    "do": "migrate",
    "awslogs": {"data": "H4sIAAAA"},
    "bot": {"name": "x"},
    "triggerSource": "PreSignUp_SignUp",
}


def requests_that_command() -> dict[str, Any]:
    """Return requests that also name each of the commands, alone and all together."""
    shapes = {"1.0": http_api_1, "2.0": http_api_2, "REST": rest_api, "URL": function_url}
    beside = {
        f"{name} beside a request": make(**{name: value})
        for name, value in COMMANDS.items()
        for make in [rest_api]
    }
    return beside | {
        f"every command beside a request, {shape}": make(**COMMANDS) for shape, make in shapes.items()
    }


def posted(path: str, body: str, kind: str = "application/json", **headers: str) -> dict[str, Any]:
    """Return a request with this body."""
    event = function_url(rawPath=path, rawQueryString="", body=body, isBase64Encoded=False, cookies=[])
    named = {"host": "testserver", "content-type": kind, "accept": "application/json"}
    return event | {"headers": named | {name.replace("_", "-"): value for name, value in headers.items()}}


PICKLED = base64.b64encode(PICKLE).decode()
PATHS = {
    "upwards": "/../../../../etc/passwd",
    "upwards, coded": "/%2e%2e/%2e%2e/etc/passwd",
    "upwards, coded twice": "/%252e%252e/etc/passwd",
    "upwards from static files": "/static/../../config/settings.py",
    "upwards, backwards": "/..\\..\\windows\\win.ini",
    "NUL": "/note/%00",
    "bad UTF-8": "/note/%ff%fe",
    "a lone surrogate": "/note/\ud800",
    "half a code": "/note/%",
    "a forged line of a log": "/note/%0d%0aINFO%20ok\n2026 INFO",
    "another site": "//evil.example/note/",
    "a whole address": "http://169.254.169.254/latest/meta-data/",
    "long": "/" + "a" * 100_000,
    "deep": "/a" * 5_000,
    "a task's id upwards": "/tasks/..%2f..%2fadmin/",
    "a task's id of code": f"/tasks/{HERE}.unheard_of/",
    "a task's id of braces": "/tasks/{0.__class__}/",
    "a task's id of zeros": f"/tasks/{'0' * 32}/",
    "a task's id in other digits": f"/tasks/{chr(0xFF10) * 32}/",
    "the board's id of code": f"/admin/django_offload/task/{HERE}.unheard_of/change/",
}
HEADERS: dict[str, dict[str, str]] = {
    "a host of others": {"host": "evil.example"},
    "a host with a line break": {"host": "testserver\r\nX: y"},
    "a host that is empty": {"host": ""},
    "a host forwarded": {"x_forwarded_host": "evil.example", "forwarded": "host=evil.example"},
    "a script's name": {"script_name": "/x", "x_script_name": "/x", "x_forwarded_prefix": "/x"},
    "another method": {"x_http_method_override": "DELETE"},
    "a rewritten path": {"x_original_url": "/admin/", "x_rewrite_url": "/admin/"},
    "variables of WSGI": {"wsgi.url_scheme": "x", "remote_user": "root", "path_info": "/admin/"},
    "a proxy": {"proxy": "http://127.0.0.1:9"},
    "a session that is a pickle": {"cookie": f"sessionid={PICKLED}; messages={PICKLED}"},
    "a session of code": {"cookie": f"sessionid=../../{HERE}.unheard_of"},
    "cookies by the thousand": {"cookie": ";".join(f"a{number}=b" for number in range(10_000))},
    "a token that is a pickle": {"x_offload_token": PICKLED},
    "a language upwards": {"accept_language": "../../etc/passwd"},
    "a long language": {"accept_language": "x-" * 50_000},
    "an Accept without an end": {"accept": "text/html;q=" + "9" * 50_000},
    "a negative length": {"content_length": "-1"},
    "a huge length": {"content_length": "9" * 100},
    "a length and chunks": {"transfer_encoding": "chunked", "content_length": "1"},
    "an ETag without an end": {"if_none_match": '"' * 50_000},
    "a look-up in a log": {"user_agent": NAMES["a look-up in a log"], "referer": "\r\n\x1b[2J"},
    "characters beyond Latin": {"x_name": "\ud800\u0435"},
}
KINDS = {
    "a pickle": ("application/x-python-pickle", PICKLED),
    "YAML": ("application/yaml", NAMES["a YAML tag"]),
    "XML": ("application/xml", '<!DOCTYPE a [<!ENTITY b SYSTEM "file://localhost/etc/passwd">]><a>&b;</a>'),
    "a charset that is a codec": ("application/x-www-form-urlencoded; charset=rot13", "a=b"),
    "a charset that is a module": (
        f"application/x-www-form-urlencoded; charset={HERE}.unheard_of",
        "a=b",
    ),
    "no parts": ("multipart/form-data", "x"),
    "parts without an end": ("multipart/form-data; boundary=x", "--x\r\n" * 1_000),
    "a long boundary": (f"multipart/form-data; boundary={'x' * 100_000}", "--x"),
    "a file's name upwards": (
        "multipart/form-data; boundary=x",
        '--x\r\nContent-Disposition: form-data; name="f"; filename="../../x.py"\r\n\r\n1\r\n--x--\r\n',
    ),
    "fields by the thousand": (
        "application/x-www-form-urlencoded",
        "&".join(f"a{n}=1" for n in range(5_000)),
    ),
}


def hostile_requests() -> dict[str, Any]:
    """Return requests whose contents try something. The site answers each of them, and never with a 500."""
    return {
        **{f"a path {name}": posted(path, "{}") for name, path in PATHS.items()},
        **{f"a header: {name}": posted("/note/", "{}", **named) for name, named in HEADERS.items()},
        **{f"a body: {name}": posted("/note/", body, kind) for name, (kind, body) in KINDS.items()},
        **{f"JSON: {name}": posted("/note/", body) for name, body in JSON_BODIES.items()},
    }


JSON_BODIES: dict[str, str] = {
    "deep lists": '{"value":' + "[" * 100_000 + "]" * 100_000 + "}",
    "lists of 900 levels": '{"value":' + "[" * 900 + "]" * 900 + "}",
    "deep open objects": '{"value":' * 50_000,
    "not a number": '{"value":NaN}',
    "infinity": '{"value":1e999}',
    "a number of many digits": '{"value":' + "9" * 5_000 + "}",
    "a lone surrogate": '{"value":"\\ud800"}',
    "a key twice": '{"value":1,"value":2}',
    "the task's own parameter": '{"self":1}',
    "Python's own names": '{"__class__":1,"__init__":2,"func":"os.system"}',
    "options of a task": '{"value":1,"queue_name":"reports","backend":"other","run_after":0}',
    "a reference": '{"ref":{"key":"../x","sha256":"","size":1}}',
    "a list": "[1]",
    "a text": '"value"',
    "nothing": "",
    "keys by the thousand": "{" + ",".join(f'"k{number}":1' for number in range(20_000)) + "}",
    "a NUL": '{"value":"\\u0000"}',
    "half of it": '{"value":',
    "two of them": '{"value":1}{"value":2}',
    "UTF-16": '{"value":1}'.encode("utf-16").decode("latin-1"),
}
