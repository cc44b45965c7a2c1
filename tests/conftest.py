"""Fixtures of every test, and how `pytest -n 2` shares the tests."""

from contextlib import ExitStack
from importlib.util import find_spec

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files whose paths begin alike share costly fixtures, so that one worker runs all of them. They come first,
# the longest group before the others, so that both workers end at about the same time. Pages are
# measured, so no two browsers run at the same time. Every other file is a group of its own.
GROUPS = ("tests/browser/", "tests/deploy/", "tests/scaffold/")


def group_of(file: str) -> str:
    """Return the group of a test by the path of its file, or by its node id."""
    file = file.partition("::")[0]
    return next((group for group in GROUPS if file.startswith(group)), file)


class GroupScheduling(LoadScopeScheduling):
    """Gives each worker whole groups of tests, in the order of the tests."""

    def _split_scope(self, nodeid):
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items):
    """Put the long groups first. The order of the others, which pytest-randomly chose, stays."""
    order = {group: number for number, group in enumerate(GROUPS)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))


# Only the environments of tests/versions/ have Wagtail.
collect_ignore = [] if find_spec("wagtail") else ["wagtail"]

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
