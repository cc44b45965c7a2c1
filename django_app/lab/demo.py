"""What `make demo` runs: the database, its orders, AWS on this machine, and the site."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import django
from django.core.management import call_command

LARGEST_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring up everything and serve until Ctrl-C. Return 2, before that, if something is in the way."""
    port = _port(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django_offload.exceptions import OffloadError
    from django_offload.local.loopback import refuse_taken_port
    from django_offload.local.serve.session import serve

    try:
        refuse_taken_port(port, "the site", f"Choose another: make demo PORT={port + 1}")
        _prepare()
        _let_in(port)
        say("Starting AWS on this machine, its workers and the site")
        return serve(port=port, announce=say)
    except OffloadError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    except KeyboardInterrupt:
        say("\nEnded before the site was up; the next run goes on from here.")
        return 130


def say(line: str) -> None:
    """Print a line at once, whatever stdout is."""
    print(line, flush=True)


def _port(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="Port of the site (8000).")
    port: int = parser.parse_args(arguments).port
    if not 1 <= port <= LARGEST_PORT:
        parser.error(f"PORT is {port}: give a number from 1 to {LARGEST_PORT}.")
    return port


def _prepare() -> None:
    """Bring the database up to date and fill it; what is there stays."""
    from django.conf import settings

    with _step(f"Preparing the database {settings.DATABASES['default']['NAME']}"):
        call_command("migrate", verbosity=0)
    with _step("Filling the shop with orders (once)"):
        call_command("seed_orders")


def _let_in(port: int) -> None:
    """Say how to enter the admin, with a password of this start; not where DEBUG is off."""
    from django.conf import settings
    from django.contrib.auth.models import User

    if not settings.DEBUG:
        return
    user, _ = User.objects.get_or_create(username="demo", defaults={"is_staff": True, "is_superuser": True})
    password = secrets.token_urlsafe(6)
    user.set_password(password)
    user.save()
    say(f"The board: http://127.0.0.1:{port}/admin/django_offload/task/ (user demo, password {password})")


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.monotonic()
    say(name)
    yield
    say(f"  {'done':<40} {time.monotonic() - started:5.1f} s")


if __name__ == "__main__":
    sys.exit(main())
