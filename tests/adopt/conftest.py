"""Fixtures: an environment for each Python that the wheel is installed into."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.adopt import wheel
from tests.adopt.environment import Environment


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Return what returns the environment of a Python: its packages are there, the wheel is not."""
    built = wheel.build(tmp_path_factory.mktemp("wheel"))
    return cache(lambda version: wheel.environment(version, built))
