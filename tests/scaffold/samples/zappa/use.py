"""Use the sample site as its visitors do; with `offload`, run what it enqueued."""

import os
import sys

import django


def visit() -> None:
    """Order a pie, and taste one."""
    from django.test import Client

    client = Client()
    assert client.get("/order/?pie=apple").json() == {"ordered": "apple"}
    assert client.get("/taste/").json() == {"taste": "a slice, 1 minutes"}


def main(*, offloaded: bool) -> None:
    """Have every pie baked, here or by a worker."""
    from orders import tasks

    if not offloaded:
        visit()
        assert tasks.baked == ["apple", "a slice"]
        return
    from django_offload.testing import Offload

    with Offload().active() as offload:
        visit()
        assert tasks.baked == ["a slice"]
        assert offload.run() == 1
    assert tasks.baked == ["a slice", "apple"]


os.environ["DJANGO_SETTINGS_MODULE"] = "pies.settings"
django.setup()
main(offloaded="offload" in sys.argv)
