"""Fixtures: the wheel, and an environment for each Python it is installed into."""

from collections.abc import Callable

import pytest

from tests.adopt import wheel
from tests.adopt.wheel import ROOT, Environment


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Return what returns the environment of a Python: its packages are there, the wheel is not."""
    built = wheel.build(tmp_path_factory.mktemp("wheel"))
    made: dict[str, Environment] = {}

    def of(version: str) -> Environment:
        if version not in made:
            made[version] = Environment(version, dist=built.parent, cache=ROOT / ".cache" / "adopt")
        return made[version]

    return of
