"""Serve the project of progress_on_a_page.md on a free port, and work on its tasks in the same process."""

import os
import sys
import time
from pathlib import Path

import django
from django.core.management import call_command

PAUSE_SECONDS = 0.02
# A test leaves this behind; it goes when no task is left to run.
SETTLING = Path("settling")


def main() -> None:
    """Print the address, and work on tasks until the parent is gone."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    from django_offload.testing import Offload

    User.objects.create_user("ada", password="engine")
    parent = os.getppid()
    with Offload().active() as offload:
        server = LiveServerThread("127.0.0.1", StaticFilesHandler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        print(f"http://127.0.0.1:{server.port}", flush=True)
        while os.getppid() == parent:
            if not offload.run(skip=False):
                SETTLING.unlink(missing_ok=True)
                time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
