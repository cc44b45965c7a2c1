"""A function that has set up Django, and does nothing."""

from typing import Any

import django

django.setup()


def handler(event: Any, context: Any) -> None:
    pass
