"""Lighthouse on the first page: the median of three runs."""

import json
import os
import shutil
import subprocess
from statistics import median

from tests.browser.conftest import chromium
from tests.browser.demo import Demo
from tests.browser.judges import package

LEAST = {"performance": 90, "accessibility": 95, "best-practices": 95}
RUNS = 3
SECONDS = 180


def node() -> str:
    found = shutil.which("node")
    assert found, "Lighthouse needs Node: .ci/node-packages installs it"
    return found


def scores(address: str) -> dict[str, float]:
    """Return the scores of one run, in a browser of Lighthouse's own, on its phone with its slow network."""
    command = package("lighthouse") / "cli" / "index.js"
    told = subprocess.run(
        [
            node(),
            command,
            address,
            "--quiet",
            "--output=json",
            "--no-enable-error-reporting",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
            f"--only-categories={','.join(LEAST)}",
        ],
        env={**os.environ, "CHROME_PATH": chromium()},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    categories = json.loads(told.stdout)["categories"]
    return {name: 100 * categories[name]["score"] for name in LEAST}


def test_the_first_page_scores_well(demo: Demo):
    found = [scores(f"{demo.address}/") for _ in range(RUNS)]

    for name, least in LEAST.items():
        assert median(run[name] for run in found) >= least, found
