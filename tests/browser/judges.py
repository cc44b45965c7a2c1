"""From npm's registry: axe-core and Lighthouse, which judge pages, and htmx, which pages load."""

import os
from pathlib import Path

import pytest

from tests.browser.demo import ROOT

INSTALLED = ROOT / ".cache" / "node" / "node_modules"
MISSING = (
    "The tests of pages need axe-core, Lighthouse and htmx, which were not found: install them with "
    ".ci/node-packages (make test does)"
)


def package(name: str) -> Path:
    """Return the folder of a Node package. Fail the test, saying what to do, if it is not installed."""
    folder = Path(os.environ.get("NODE_PACKAGES", INSTALLED)) / name
    if not folder.is_dir():
        pytest.fail(MISSING, pytrace=False)
    return folder
