"""Other visitors: eight at a time, each of whom asks this site for a report over HTTP, as browsers do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from json import loads
from threading import Barrier, BrokenBarrierError, Event, Lock, Thread
from urllib.parse import urlencode

VISITORS = 8
PATHS = {"request": "/reports/in-request/", "offload": "/reports/"}
FORM = "/reports/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
# Of one answer, which may have waited for all the others; and of the whole run.
ANSWER_SECONDS = 120.0
GATHER_SECONDS = 30.0
LONGEST_POLLS = 120
ENDED = {"SUCCESSFUL", "FAILED"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where this site answers on this machine, and under which name."""

    port: int
    host: str


class Crowd:
    """Visitors who press the same button at the same moment, and wait for what they asked for."""

    def __init__(self, address: Address, way: str, orders: int) -> None:
        self._address, self._way, self._orders = address, way, orders
        self._together = Barrier(VISITORS + 1)
        self._lock = Lock()
        self._over = Event()
        self.waiting = VISITORS
        self.refused = 0

    def begin(self) -> None:
        """Return when every visitor has the form and presses its button. Raise TimeoutError if one cannot."""
        for _ in range(VISITORS):
            Thread(target=self._visit, name="visitor", daemon=True).start()
        try:
            self._together.wait(GATHER_SECONDS)
        except BrokenBarrierError as exc:
            raise TimeoutError("The visitors could not open the form. Look at the site's log.") from exc

    def _visit(self) -> None:
        well = False
        try:
            visitor = Visitor(self._address)
            form = visitor.open_form()
            self._together.wait(GATHER_SECONDS)
            well = visitor.run(self._way, {**form, "orders": str(self._orders)}, self._over)
        except (OSError, BrokenBarrierError, LookupError, ValueError):
            self._together.abort()
        finally:
            with self._lock:
                # Who sees that nobody waits any more must see all that were refused.
                self.refused += not well
                self.waiting -= 1


class Visitor:
    """One of them, with cookies of their own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._cookies: dict[str, str] = {}

    def open_form(self) -> dict[str, str]:
        """Return the fields that a form of this site carries unseen."""
        found = TOKEN.search(self._ask("GET", FORM)[1])
        if found is None:
            raise LookupError("The form has no token against forgery.")
        return {"csrfmiddlewaretoken": found[1]}

    def run(self, way: str, fields: Mapping[str, str], pause: Event) -> bool:
        """Press the button, follow what is offloaded as pages do, and return whether the report came."""
        answer, _ = self._ask("POST", PATHS[way], urlencode(fields))
        where = answer.headers["Location"]
        if where is None or answer.status != 202:
            return way == "request" and answer.status == 200
        for _ in range(LONGEST_POLLS):
            pause.wait(float(answer.headers["Retry-After"] or 1))
            answer, text = self._ask("GET", where)
            status = loads(text)["status"]
            if status in ENDED:
                return status == "SUCCESSFUL"
        return False

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("127.0.0.1", self._address.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, self._headers(body))
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        for value in answer.headers.get_all("Set-Cookie") or ():
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
        return answer, text

    def _headers(self, body: str | None) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        return {"Host": self._address.host, "Cookie": cookies, **kind}
