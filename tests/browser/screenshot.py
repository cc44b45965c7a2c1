"""The picture of the first page in README.md: `make screenshot` runs both ways in a demo and draws it."""

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.conftest import chromium
from tests.browser.demo import ROOT, Demo
from tests.browser.first_page import run
from tests.browser.visitor import Visitor

PICTURE = ROOT / "django_app" / "docs" / "first-page.png"
MOST_BYTES = 200_000
COLOURS = 256
WIDTH = 1120


def draw(address: str) -> bytes:
    """Return a PNG of the first page, from its heading to the end of the timeline and the vitals."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        visitor = Visitor(browser, address, viewport={"width": WIDTH, "height": 900})
        for way in ("offload", "request"):
            for _ in range(2):  # The first run of a worker waits for its process to start.
                run(visitor, way)
        visitor.goto("/")
        end = visitor.page.locator("#comparison").bounding_box()
        assert end is not None
        height = end["y"] + end["height"] + 16
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": height}
        picture = visitor.page.screenshot(full_page=True, clip=clip)
        browser.close()
    return picture


def smaller(picture: bytes) -> bytes:
    """Return a PNG with fewer colours: flat ones, as of a page, lose nothing that is seen."""
    out = BytesIO()
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> int:
    """Write the picture. Return 1 if it is too large for a page."""
    with TemporaryDirectory() as folder:
        demo = Demo(Path(folder))
        demo.start()
        try:
            picture = smaller(draw(demo.address))
        finally:
            demo.end()
    if len(picture) > MOST_BYTES:
        print(f"The picture has {len(picture):,} bytes, more than {MOST_BYTES:,}: show less of the page.")
        return 1
    PICTURE.write_bytes(picture)
    print(f"{PICTURE.relative_to(ROOT)}: {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
