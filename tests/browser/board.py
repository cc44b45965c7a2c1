"""The board of the demo, and the way into it."""

import re

from tests.browser.demo import Demo
from tests.browser.visitor import Visitor

BOARD = "/admin/django_offload/task/"


def let_in(visitor: Visitor, demo: Demo) -> Visitor:
    """Sign a visitor in, with the password that the demo says."""
    found = re.search(r"user demo, password (\S+)\)", demo.text())
    assert found is not None
    visitor.goto(BOARD)
    visitor.page.fill("#id_username", "demo")
    visitor.page.fill("#id_password", found[1])
    visitor.page.click("#login-form [type=submit]")
    visitor.page.wait_for_url(f"**{BOARD}")
    return visitor
