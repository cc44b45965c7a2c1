"""What runs inside Lambda: workers, the dead-letter handler, the sweeper."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return what lambdas/web.py of an earlier release imports from here."""
    if name == "module_index":
        from .start import module_index

        return module_index
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
