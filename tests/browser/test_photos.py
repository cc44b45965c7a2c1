"""Photos: what is refused at once, and renditions that appear one after the other."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.unit.lab.images import noise, photo

TOO_LARGE = 10 * 1024 * 1024 + 1


def upload(visitor: Visitor, data: bytes) -> int:
    visitor.goto("/photos/")
    visitor.page.set_input_files(
        "input[type=file]", {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data}
    )
    return visitor.press("photo")


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"This is a letter, not a photo.", 400, "not an image that can be read"),
        (noise()[:20_000], 400, "damaged or cut short"),
        (bytes(TOO_LARGE), 413, "larger than 10 MB"),
    ],
    ids=["not an image", "truncated", "too large"],
)
def test_a_wrong_upload_is_refused_on_the_page(visitor: Visitor, data: bytes, status: int, reason: str):
    assert upload(visitor, data) == status

    expect(visitor.page.get_by_role("alert")).to_contain_text(reason)
    expect(visitor.page.locator("input[type=file]")).to_be_visible()


def test_renditions_appear_without_a_reload(visitor: Visitor):
    assert upload(visitor, noise(2400, 1800)) == 202
    visitor.page.evaluate("window.untouched = true")
    expect(visitor.page).to_have_url(re.compile(r"/photos/[0-9a-f]{32}/$"))

    visitor.await_status("SUCCESSFUL")
    images = visitor.page.locator("[data-rendition] img")
    for index, width in enumerate((160, 480, 960, 1920, 640)):
        expect(images.nth(index)).to_have_js_property("naturalWidth", width)

    assert visitor.page.evaluate("window.untouched")
    arrived = visitor.seen("arrived")
    assert arrived == sorted(arrived)
    assert (arrived[0], arrived[-1]) == (0, 5)


def test_a_small_photo_is_rendered_too(visitor: Visitor):
    upload(visitor, photo(40, 30))

    visitor.await_status("SUCCESSFUL")
