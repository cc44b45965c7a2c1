"""Run `make demo`: the database with its orders, AWS on this machine, and the site."""

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
    """Start everything and serve until Ctrl-C. Return 2 if something prevents the start."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="Port of the site (default: 8000).")
    port: int = parser.parse_args(arguments).port
    if not 1 <= port <= LARGEST_PORT:
        parser.error(f"PORT is {port}. Use a number from 1 to {LARGEST_PORT}.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    from django_offload.exceptions import OffloadError
    from django_offload.local.loopback import refuse_taken_port
    from django_offload.local.serve.session import serve

    try:
        refuse_taken_port(port, "the site", f"Choose another: make demo PORT={port + 1}")
        with step(f"Preparing the database {settings.DATABASES['default']['NAME']}"):
            call_command("migrate", verbosity=0)
        with step("Filling the shop with orders (once)"):
            call_command("seed_orders")
        if settings.DEBUG:
            create_demo_user(port)
        say("Starting AWS on this machine, its workers and the site")
        return serve(port=port, announce=say)
    except OffloadError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    except KeyboardInterrupt:
        say("\nStopped before the site was running. The next run continues from here.")
        return 130


def say(line: str) -> None:
    """Print a line immediately, even if stdout is a file."""
    print(line, flush=True)


def create_demo_user(port: int) -> None:
    """Give the demo user a new password, and print how to sign in to the admin site."""
    from django.contrib.auth.models import User

    user, _ = User.objects.get_or_create(username="demo", defaults={"is_staff": True, "is_superuser": True})
    password = secrets.token_urlsafe(6)
    user.set_password(password)
    user.save()
    say(f"The board: http://127.0.0.1:{port}/admin/django_offload/task/ (user demo, password {password})")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print a step's name, and then how long it took."""
    started = time.monotonic()
    say(name)
    yield
    say(f"  {'done':<40} {time.monotonic() - started:5.1f} s")


if __name__ == "__main__":
    sys.exit(main())
