"""Fixtures: an environment for each Python that the wheel is installed into."""

from collections.abc import Callable, Iterator

import pytest

from tests.scaffold import wheel
from tests.scaffold.environment import Environment


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Environment]]:
    """Return what returns the environment of a Python: its packages are there, the wheel is not."""
    built = wheel.build(tmp_path_factory.mktemp("wheel"))
    made: dict[str, Environment] = {}

    def of(version: str) -> Environment:
        if version not in made:
            made[version] = wheel.environment(version, built)
        return made[version]

    yield of
    for one in made.values():
        one.close()
