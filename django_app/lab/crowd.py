"""Eight visitors at a time, each of whom asks this site for a report over HTTP, as a browser would."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from json import loads
from threading import Barrier, BrokenBarrierError, Lock, Thread
from time import sleep
from urllib.parse import urlencode

VISITORS = 8
PATHS = {"request": "/reports/in-request/", "offload": "/reports/"}
FORM = "/reports/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
# How long a visitor waits for one response, which may wait for those of all the others.
RESPONSE_SECONDS = 120.0
GATHER_SECONDS = 30.0
LONGEST_POLLS = 120
ENDED = {"SUCCESSFUL", "FAILED"}


@dataclass(frozen=True, slots=True)
class Address:
    """The port and host name at which this machine serves the site."""

    port: int
    host: str


class Crowd:
    """Visitors who press the same button at the same moment, and wait for their reports."""

    def __init__(self, address: Address, way: str, orders: int) -> None:
        self._address, self._way, self._orders = address, way, orders
        self._barrier = Barrier(VISITORS + 1)
        self._lock = Lock()
        self.waiting = VISITORS
        self.refused = 0

    def start(self) -> None:
        """Return when every visitor presses the button. Raise TimeoutError if one couldn't open the form."""
        for _ in range(VISITORS):
            Thread(target=self.run_visitor, name="visitor", daemon=True).start()
        try:
            self._barrier.wait(GATHER_SECONDS)
        except BrokenBarrierError as exc:
            raise TimeoutError("The visitors couldn't open the form. Look at the site's log.") from exc

    def run_visitor(self) -> None:
        """Open the form, wait for the other visitors, and count whether this one got a report."""
        has_report = False
        try:
            visitor = Visitor(self._address)
            form = visitor.open_form()
            self._barrier.wait(GATHER_SECONDS)
            has_report = visitor.get_report(self._way, {**form, "orders": str(self._orders)})
        except (OSError, BrokenBarrierError, LookupError, ValueError):
            self._barrier.abort()
        finally:
            with self._lock:
                # Count refusals first, so that they are complete as soon as nobody waits.
                self.refused += not has_report
                self.waiting -= 1


class Visitor:
    """One visitor, with cookies of their own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._cookies: dict[str, str] = {}

    def open_form(self) -> dict[str, str]:
        """Return the form's hidden fields. Raise LookupError if it has no CSRF token."""
        _, text = self.request("GET", FORM)
        token = TOKEN.search(text)
        if token is None:
            raise LookupError("The form has no CSRF token.")
        return {"csrfmiddlewaretoken": token[1]}

    def get_report(self, way: str, fields: Mapping[str, str]) -> bool:
        """Press the button and poll until the task ends. Return True if the visitor got a report."""
        response, _ = self.request("POST", PATHS[way], urlencode(fields))
        status_url = response.headers["Location"]
        if status_url is None or response.status != 202:
            return way == "request" and response.status == 200
        # Servers log addresses, so the token travels in a header.
        status_url, token = status_url.partition("?")[0], response.headers["X-Offload-Token"] or ""
        for _ in range(LONGEST_POLLS):
            sleep(float(response.headers["Retry-After"] or 1))
            response, text = self.request("GET", status_url, headers={"X-Offload-Token": token})
            status = loads(text)["status"]
            if status in ENDED:
                return status == "SUCCESSFUL"
        return False

    def request(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[HTTPResponse, str]:
        headers = {
            **(headers or {}),
            "Host": self._address.host,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection("127.0.0.1", self._address.port, timeout=RESPONSE_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        finally:
            connection.close()
        for value in response.headers.get_all("Set-Cookie") or ():
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
        return response, text
