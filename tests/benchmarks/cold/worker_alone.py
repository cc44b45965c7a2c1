"""A function that has imported the worker, and does nothing."""

from typing import Any

import lambdas.worker  # noqa: F401, what is measured


def handler(event: Any, context: Any) -> None:
    pass
