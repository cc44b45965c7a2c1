"""TASKS as in the tests of units."""

from tests.unit.conftest import ours

__all__ = ["ours"]
