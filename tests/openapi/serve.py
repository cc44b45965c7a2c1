"""Serve the site for a run of schemathesis: print its address and a visitor's secrets as one line of JSON."""

import json
import sys
from contextlib import suppress
from threading import Event, Thread

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from django_offload.testing import Offload


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Log nothing."""


def work(offload: Offload, ended: Event) -> None:
    """Run the enqueued tasks, so that some have ended when they are read."""
    while not ended.wait(0.5):
        with suppress(Exception):  # A task that fails is one of the states.
            offload.run()


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    visitor = Client()
    visitor.force_login(get_user_model().objects.create_user("ada"))
    token = _get_new_csrf_string()
    session = visitor.cookies["sessionid"].value
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(get_wsgi_application())
    ended = Event()
    with Offload().active() as offload:
        Thread(target=work, args=[offload, ended], daemon=True).start()
        Thread(target=server.serve_forever, daemon=True).start()
        served = {"url": f"http://127.0.0.1:{server.server_port}", "SESSION": session, "CSRF": token}
        print(json.dumps(served), flush=True)
        sys.stdin.read()  # Until whoever started this process closes it.
        ended.set()
        server.shutdown()


if __name__ == "__main__":
    main()
