"""Fixtures of every test."""

from contextlib import ExitStack

import pytest

pytest_plugins = ["pytester", "django_offload.pytest_plugin", "tests.reliability.databases"]


@pytest.fixture
def exits():
    """Return what leaves every block that a test or fixture entered through it, when the test ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session", autouse=True)
def _site_tasks():
    """
    Import the reference site's tasks while TASKS is its own.

    A task is checked against TASKS where it is defined, and many tests put other queues there.
    """
    from django_offload.definition.registry import task_modules

    task_modules([])


def pytest_collection_modifyitems(items):
    """Pages come last: what they measure must not share the machine with the run on another Python."""
    items.sort(key=lambda item: "browser" in item.path.parts)
