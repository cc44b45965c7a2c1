"""
Pages of strangers in a real browser, and the ports of AWS on this machine.

One page is on another site. The other is the classic attack on local ports: its host name is pointed at
127.0.0.1 after the page was loaded, so that for the browser the port belongs to the page's own site.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.loopback import GuardedRequests
from tests.browser.conftest import chromium
from tests.integration.local.templates import stack

STACK, REGION = "pages", "eu-central-2"
FUNCTION = f"{STACK}-worker"
REBOUND, ELSEWHERE = "rebound.example", "elsewhere.example"
DONE = "<title>a page of a stranger</title>"
PATIENCE_MS = 10_000

# Every way in which a page can send a request; each ends by itself. `base` is the address of a port.
ATTACKS = """
async ({base, name}) => {
    const path = `/2015-03-31/functions/${name}/configuration`;
    const evil = JSON.stringify({Environment: {Variables: {PYTHONWARNINGS: "evil", BROWSER: "evil"}}});
    const key = "AWS4-HMAC-SHA256 Credential=local/20261130/eu-north-1/sqs/aws4_request, Signature=0";
    const read = [];
    const send = async (path, options) => {
        try {
            const response = await fetch(base + path, options);
            const text = await response.text();
            if (response.ok && text) read.push(text);
        } catch (error) {}
    };
    const embed = (tag, attributes) => new Promise(resolve => {
        const element = Object.assign(document.createElement(tag), attributes);
        element.onload = element.onerror = resolve;
        document.body.append(element);
        setTimeout(resolve, 2000);
    });
    const form = (path, fields, enctype) => new Promise(resolve => {
        const frame = Object.assign(document.createElement("iframe"), {name: `f${Math.random()}`});
        const form = document.createElement("form");
        Object.assign(form, {action: base + path, method: "post", target: frame.name, enctype});
        for (const [name, value] of Object.entries(fields)) {
            form.append(Object.assign(document.createElement("input"), {name, value}));
        }
        document.body.append(frame, form);
        frame.onload = resolve;
        setTimeout(resolve, 2000);
        form.submit();
    });
    await Promise.all([
        send("/moto-api/reset", {method: "POST", mode: "no-cors"}),
        send("/moto-api/reset", {method: "POST"}),
        send("/", {mode: "no-cors"}),
        send("/", {}),
        send("/moto-api/data.json", {}),
        send(path, {method: "POST", mode: "no-cors", body: evil}),
        send(path, {method: "PUT", body: evil}),
        send(path, {method: "PUT", body: evil, headers: {Authorization: key}}),
        send(`/2015-03-31/functions/${name}/invocations`, {method: "POST", mode: "no-cors", body: "{}"}),
        send("/", {method: "POST", headers: {"X-Amz-Target": "AmazonSQS.ListQueues", Authorization: key}}),
        send("/", {method: "POST", body: new URLSearchParams({Action: "DeleteStack", StackName: "pages"})}),
        embed("img", {src: base + "/moto-api/data.json"}),
        embed("script", {src: base + "/moto-api/data.json"}),
        embed("link", {rel: "stylesheet", href: base + "/"}),
        embed("iframe", {src: base + "/"}),
        form("/moto-api/reset", {}, "text/plain"),
        form("/", {Action: "DeleteStack", StackName: "pages"}, "application/x-www-form-urlencoded"),
        form("/bucket", {key: "x", file: "x"}, "multipart/form-data"),
        new Promise(resolve => {
            const socket = new WebSocket(base.replace("http", "ws") + "/");
            socket.onopen = () => { read.push("an open socket"); resolve(); };
            socket.onerror = socket.onclose = resolve;
        }),
        new Promise(resolve => {
            const events = new EventSource(base + "/");
            events.onopen = () => read.push("events");
            events.onerror = () => { events.close(); resolve(); };
        }),
    ]);
    navigator.sendBeacon(base + "/moto-api/reset", "x");
    return read;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for which the names of the strangers' sites lead to this machine."""
    rules = f"MAP {REBOUND} 127.0.0.1, MAP {ELSEWHERE} 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                f"--host-resolver-rules={rules}",
                # Chromium asks its user before a page may reach this machine. Not every browser does.
                "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with LocalAWS(in_process=True, region=REGION, templates=stack(STACK, "acknowledge")) as aws:
        sqs = aws.server.client("sqs")
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=STACK)["QueueUrl"], MessageBody="mine")
        yield aws


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Each request of a browser that reaches a port, and whether the port serves it."""
    found: list[tuple[str, bool]] = []
    guarded: Callable[[GuardedRequests], bool] = GuardedRequests.is_served

    def recorded(handler: GuardedRequests) -> bool:
        served = guarded(handler)
        if "Chrome" in handler.headers.get("User-Agent", ""):
            found.append((f"{handler.command} {handler.path}", served))
        return served

    monkeypatch.setattr(GuardedRequests, "is_served", recorded)
    return found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


def ports(aws: LocalAWS) -> list[int]:
    names = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA")
    return [int(aws.environment[name].rpartition(":")[2]) for name in names]


def state(aws: LocalAWS) -> dict[str, Any]:
    """Return what the strangers want to change."""
    sqs, service = aws.server.client("sqs"), aws.server.client
    url = sqs.get_queue_url(QueueName=STACK)["QueueUrl"]
    function = service("lambda").get_function_configuration(FunctionName=FUNCTION)
    return {
        "messages": sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"],
        "variables": function["Environment"],
        "stacks": [stack["StackStatus"] for stack in service("cloudformation").describe_stacks()["Stacks"]],
        "buckets": [bucket["Name"] for bucket in service("s3").list_buckets()["Buckets"]],
    }


def stranger(context: BrowserContext, address: str) -> Page:
    """Open the page of a stranger, which another machine has served before its name was rebound."""
    page = context.new_page()
    page.route(f"{address}/page", lambda route: route.fulfill(body=DONE, content_type="text/html"))
    page.goto(f"{address}/page")
    return page


@pytest.mark.parametrize("host", [REBOUND, ELSEWHERE])
def test_no_port_obeys_a_page(
    aws: LocalAWS, context: BrowserContext, arrivals: list[tuple[str, bool]], host: str
) -> None:
    before = state(aws)
    for port in ports(aws):
        # The rebound page calls its own site, the other one calls this machine by its names.
        names = [REBOUND] if host == REBOUND else ["127.0.0.1", "localhost"]
        page = stranger(context, f"http://{host}:{port if host == REBOUND else 1 + port}")
        for name in names:
            seen = len(arrivals)

            assert page.evaluate(ATTACKS, {"base": f"http://{name}:{port}", "name": FUNCTION}) == []

            assert len(arrivals) - seen >= 15, arrivals[seen:]
        page.close()

    assert not [request for request, served in arrivals if served]
    assert ("POST /moto-api/reset", False) in arrivals
    assert state(aws) == before


def test_a_navigation_shows_why_it_is_refused(
    aws: LocalAWS, context: BrowserContext, arrivals: list[tuple[str, bool]]
) -> None:
    import boto3

    s3 = boto3.client("s3")
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    s3.put_object(Bucket=bucket, Key="shown", Body=b"a picture")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "shown"})
    rebound = url.replace("127.0.0.1", REBOUND)

    page = context.new_page()
    texts = []
    for address in (url, rebound):
        response = page.goto(address)
        assert response is not None
        assert response.status == 403
        assert "access-control-allow-origin" not in response.headers
        texts.append(response.text())

    assert "Use an AWS client, or open a presigned URL with curl." in texts[0]
    assert "Use the address in AWS_ENDPOINT_URL." in texts[1]
    assert not [request for request, served in arrivals if served]
    assert json.dumps(texts).count(aws.environment["AWS_ACCESS_KEY_ID"]) == 0
