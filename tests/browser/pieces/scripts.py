"""Scripts of others, from the npm registry: exactly what package-lock.json says, fetched once."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.browser.pieces.page import ROOT

HERE = Path(__file__).parent
MISSING = "The tests of pieces need npm, to fetch htmx: install Node.js (Debian: apt-get install -y npm)."
FAILED = "npm did not fetch htmx: see that it reaches its registry. It said:\n"


def folder() -> Path:
    """Return the folder with the packages. Raise AssertionError if npm is not there, or cannot fetch them."""
    lock = (HERE / "package-lock.json").read_bytes()
    made = ROOT / ".cache" / f"scripts-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (made / ".whole").exists():
        npm = shutil.which("npm")
        assert npm, MISSING
        made.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, made)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, FAILED + ran.stderr
        (made / ".whole").touch()
    return made / "node_modules"
