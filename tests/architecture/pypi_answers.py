"""A server on loopback that answers as PyPI does, or as an index that knows less, breaks or hangs."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# As PyPI answers for django 2.2, shortened.
OF_DJANGO = {
    "aliases": ["CVE-2019-14232", "GHSA-c4qh-4vgv-qc6g"],
    "details": "An issue was discovered in Django 1.11.x before 1.11.23 and 2.2.x before 2.2.4.",
    "fixed_in": ["1.11.23", "2.1.11", "2.2.4"],
    "id": "PYSEC-2019-11",
    "link": "https://osv.dev/vulnerability/PYSEC-2019-11",
    "source": "osv",
    "summary": None,
    "withdrawn": None,
}
OF_REQUESTS = {
    "aliases": ["CVE-2018-18074"],
    "details": "The Requests package before 2.20.0 sends an HTTP Authorization header to an http URI.",
    "fixed_in": ["2.20.0"],
    "id": "PYSEC-2018-28",
    "link": "https://osv.dev/vulnerability/PYSEC-2018-28",
    "source": "osv",
    "summary": None,
    "withdrawn": None,
}
CANARIES: Mapping[str, Any] = {"django/2.2": [OF_DJANGO], "requests/2.19.1": [OF_REQUESTS]}


def about(release: str, vulnerabilities: Any) -> dict[str, Any]:
    """Return what PyPI answers about a release, shortened."""
    name, _, version = release.partition("/")
    info = {"name": name, "version": version, "yanked": False, "requires_python": ">=3.12"}
    return {"info": info, "last_serial": 1, "urls": [], "vulnerabilities": vulnerabilities}


@contextmanager
def index(known: Mapping[str, Any]) -> Iterator[str]:
    """
    Serve what is known about releases, by "name/version", and yield the address.

    A list has the vulnerabilities, a dict is the whole answer, a text is sent as it is, a number is a status.
    None is never answered. Any other release is 404.
    """
    ends = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            release = self.path.removeprefix("/pypi/").removesuffix("/json")
            answer = known.get(release, 404)
            if answer is None:
                ends.wait(20)
                return
            if isinstance(answer, list):
                answer = about(release, answer)
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ends.set()
        server.shutdown()
        server.server_close()
        thread.join()
