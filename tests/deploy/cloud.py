"""The local AWS that the site is deployed to, where functions run from their packages."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from django_offload.local.aws.local_aws import LocalAWS

from .http_events import http
from .project import REGION

PATIENCE_SECONDS = 60


class Cloud:
    """LocalAWS for deployments by commands. The deployed functions run after `start()`."""

    def __init__(
        self,
        folder: Path,
        parameters: Mapping[str, str],
        *,
        web: str = "lab-web-dev",
        region: str = REGION,
    ) -> None:
        self.said: list[str] = []
        self.web = web
        self.aws = LocalAWS(
            concurrency=2, region=region, templates={}, packages=folder, log=self.said.append, background=True
        )
        self.aws.open()
        for name, value in parameters.items():
            self.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString")

    def client(self, service: str) -> Any:
        return self.aws.server.client(service)

    def start(self) -> None:
        """Feed the functions that are deployed by now."""
        self.aws.deploy()
        self.aws.feed()

    def close(self) -> None:
        self.aws.close()

    def request(self, path: str, **more: Any) -> "Answer":
        """Send a request to the web function, as its function URL does."""
        event = json.dumps(http(path, url=True, **more)).encode()
        function = self.aws.functions.get(self.web)
        outcome = self.aws.invoker.invoke(function, event)
        assert not outcome.failed, outcome.error + "\n" + "\n".join(self.said[-30:])
        return Answer(outcome.value())

    def post(self, page: str, **fields: str) -> "Answer":
        """Post the form of a page, as a browser does that has just loaded it."""
        shown = self.request(page)
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown.text)
        return self.request(
            page,
            method="POST",
            cookies=shown.cookies,
            body=urlencode({"csrfmiddlewaretoken": unescape(token), **fields}).encode(),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "origin": "https://site.example",
                "referer": f"https://site.example{page}",
            },
        )

    def status(self, accepted: "Answer") -> dict[str, Any]:
        """Ask for a task's status where the answer says that it is."""
        where = urlsplit(accepted.headers["Location"])
        said: dict[str, Any] = json.loads(self.request(where.path, query=where.query).text)
        return said

    def ended(self, accepted: "Answer") -> dict[str, Any]:
        """Wait until a task has ended; return its status."""
        eventually(lambda: self.status(accepted)["status"] in {"SUCCESSFUL", "FAILED"}, self.said)
        return self.status(accepted)


class Answer:
    """The response of a function."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.status: int = said["statusCode"]
        self.headers: dict[str, str] = said.get("headers", {})
        self.text: str = said.get("body", "")
        found: SimpleCookie = SimpleCookie()
        for cookie in said.get("cookies", []):
            found.load(cookie)
        self.cookies = {name: morsel.value for name, morsel in found.items()}


def eventually(happened: Callable[[], bool], said: list[str]) -> None:
    """Wait until something has happened. Fail with the functions' output."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not happened():
        assert time.monotonic() < deadline, "\n".join(said[-40:])
        pause.wait(0.2)
