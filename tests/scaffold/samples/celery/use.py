"""Use the sample site as its visitors do, and run what it enqueued."""

import os

import django


def main() -> None:
    """Order something, and follow it."""
    from django.test import Client

    from django_offload.testing import Offload

    with Offload().active() as offload:
        client = Client()
        task_id = client.get("/order/?order=7").json()["id"]
        assert client.get(f"/order/{task_id}/").json()["state"] == "READY"
        # ship() three times, since two attempts fail; remind() from the page and from ship(), a minute later.
        assert offload.run() == 5
        said = client.get(f"/order/{task_id}/").json()
        assert said == {"state": "SUCCESSFUL", "result": "7 express after 2 retries"}, said


os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()
main()
