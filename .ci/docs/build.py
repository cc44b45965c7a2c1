"""Build the site of the pages into a folder, which any static host serves: build.py FOLDER."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pages import gather
from sphinx.cmd.build import main as sphinx

HERE = Path(__file__).parent


def build(folder: Path) -> int:
    """Build the site, and return the exit code. A warning, such as a link that leads nowhere, is an error."""
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as gathered:
        source = Path(gathered) / "pages"
        gather(source)
        options = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs", "auto"]
        code = sphinx(
            ["-b", "html", "-c", str(HERE), "-d", f"{gathered}/doctrees", *options, str(source), str(folder)]
        )
    if code == 0:
        (folder / ".buildinfo").unlink()
        print(f"{len(list(folder.rglob('*.html')))} pages are in {folder}. Begin with index.html.")
    return code


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: build.py FOLDER")
    sys.exit(build(Path(sys.argv[1])))
