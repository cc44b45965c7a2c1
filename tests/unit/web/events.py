"""Events as API Gateway and function URLs send them, in every shape that the web function gets."""

from typing import Any

CLIENT = "203.0.113.7"
TRACE = "Root=1-6745c6a1-5e0d4c3b2a19087f6e5d4c3b"


def rest_api(**changes: Any) -> dict[str, Any]:
    """A REST API at its own address, stage dev: POST /dev/cakes/apple%20pie/?size=2&size=3."""
    headers = {
        "accept": "text/html",
        "content-type": "application/x-www-form-urlencoded",
        "Cookie": "a=1; b=2",
        "Host": "abcde12345.execute-api.eu-central-1.amazonaws.com",
        "User-Agent": "curl/8.11",
        "X-Amzn-Trace-Id": TRACE,
        "X-Forwarded-For": f"198.51.100.66, {CLIENT}",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    return {
        "resource": "/{proxy+}",
        "path": "/cakes/apple%20pie/",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {"size": "3"},
        "multiValueQueryStringParameters": {"size": ["2", "3"]},
        "pathParameters": {"proxy": "cakes/apple%20pie"},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "2gxmpl",
            "resourcePath": "/{proxy+}",
            "httpMethod": "POST",
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "requestTime": "30/Nov/2026:12:00:00 +0000",
            "path": "/dev/cakes/apple%20pie/",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "dev",
            "domainPrefix": "abcde12345",
            "requestTimeEpoch": 1796040000000,
            "requestId": "77375676-xmpl-4b79-853a-f982474efe18",
            "identity": {
                "cognitoIdentityPoolId": None,
                "accountId": None,
                "caller": None,
                "sourceIp": CLIENT,
                "userArn": None,
                "userAgent": "curl/8.11",
                "user": None,
            },
            "domainName": "abcde12345.execute-api.eu-central-1.amazonaws.com",
            "apiId": "abcde12345",
        },
        "body": "flavour=apple",
        "isBase64Encoded": False,
        **changes,
    }


def http_api_1(**changes: Any) -> dict[str, Any]:
    """An HTTP API with payload format 1.0 at a custom domain."""
    event = rest_api()
    host = {"Host": "cakes.example"}
    event["version"] = "1.0"
    event["headers"] |= host
    event["multiValueHeaders"]["Host"] = [host["Host"]]
    event["requestContext"] |= {"domainName": host["Host"], "path": event["path"], "stage": "$default"}
    return event | changes


def http_api_2(*, stage: str = "$default", **changes: Any) -> dict[str, Any]:
    """An HTTP API with payload format 2.0: the path begins with the stage, if it has a name."""
    prefix = "" if stage == "$default" else f"/{stage}"
    host = "abcde12345.execute-api.eu-central-1.amazonaws.com"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": f"{prefix}/cakes/apple%20pie/",
        "rawQueryString": "size=2&size=3",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "accept": "text/html",
            "content-length": "13",
            "content-type": "application/x-www-form-urlencoded",
            "host": host,
            "user-agent": "curl/8.11",
            "x-amzn-trace-id": TRACE,
            "x-forwarded-for": f"198.51.100.66, {CLIENT}",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": {"size": "2,3"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcde12345",
            "domainName": host,
            "domainPrefix": "abcde12345",
            "http": {
                "method": "POST",
                "path": f"{prefix}/cakes/apple%20pie/",
                "protocol": "HTTP/1.1",
                "sourceIp": CLIENT,
                "userAgent": "curl/8.11",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "30/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1796040000000,
        },
        "body": "Zmxhdm91cj1hcHBsZQ==",
        "isBase64Encoded": True,
        **changes,
    }


def function_url(**changes: Any) -> dict[str, Any]:
    """A function URL, whose headers have the cookies too."""
    event = http_api_2()
    host = "abcde12345fghij67890.lambda-url.eu-central-1.on.aws"
    event["headers"] |= {"host": host, "cookie": "a=1; b=2", "x-amzn-tls-version": "TLSv1.3"}
    event["requestContext"] |= {
        "accountId": "anonymous",
        "domainName": host,
        "authentication": None,
        "domainPrefix": host.partition(".")[0],
    }
    return event | changes


SHAPES = {
    "REST API": rest_api(),
    "HTTP API, format 1.0": http_api_1(),
    "HTTP API, format 2.0": http_api_2(),
    "HTTP API, named stage": http_api_2(stage="dev"),
    "function URL": function_url(),
}
