"""Fixtures: environments for the wheel, and one with what people come from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scaffold import wheel
from tests.scaffold.environment import ROOT, Environment

LOCK = Path(__file__).parent / "requirements.lock"


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


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Environment]:
    """Return an environment with what people come from, and without us."""
    install = f"pip install --require-hashes --no-deps -r {LOCK.relative_to(ROOT)}"
    made = Environment("3.13", install, depends=LOCK.read_text())
    yield made
    made.close()
