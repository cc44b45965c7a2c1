"""Photos: what is refused at once, and renditions that appear one after the other."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import IMPATIENT, Visitor
from tests.unit.lab.images import noise, photo

type Upload = Callable[[bytes], int]

STATUS = re.compile(r"/tasks/[0-9a-f]{32}/$")
HALF_WAY = {"status": "RUNNING", "attempts": 1, "progress": {"done": 2, "total": 5, "message": "Made small"}}
TOO_LARGE = 10 * 1024 * 1024 + 1


@pytest.fixture
def upload(visitor: Visitor, tmp_path: Path) -> Upload:
    """Upload a file of these bytes and return the status of the answer."""

    def send(data: bytes) -> int:
        file = tmp_path / "photo.jpg"
        file.write_bytes(data)
        visitor.goto("/photos/")
        visitor.page.set_input_files("input[type=file]", file)
        return visitor.press("photo")

    return send


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"This is a letter, not a photo.", 400, "not an image that can be read"),
        (noise()[:20_000], 400, "damaged or cut short"),
        (bytes(TOO_LARGE), 413, "larger than 10 MB"),
    ],
    ids=["not an image", "truncated", "too large"],
)
def test_a_wrong_upload_is_refused_on_the_page(
    visitor: Visitor, upload: Upload, data: bytes, status: int, reason: str
):
    assert upload(data) == status

    expect(visitor.page.get_by_role("alert")).to_contain_text(reason)
    expect(visitor.page.locator("input[type=file]")).to_be_visible()


def test_renditions_appear_without_a_reload(visitor: Visitor, upload: Upload):
    assert upload(noise(2400, 1800)) == 202
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


def test_each_rendition_appears_as_soon_as_it_is_made(visitor: Visitor, upload: Upload):
    visitor.page.route(STATUS, lambda route: route.fulfill(json=HALF_WAY))
    # The task itself may be done by now, and the server would tell so. This is what it tells before.
    image = '<a data-href="/"><img alt="" data-src="/static/lab/icon.svg"></a>'
    figures = "".join(f'<figure data-rendition="{number}">{image}</figure>' for number in range(5))
    visitor.page.route(
        "**/*?part=details", lambda route: route.fulfill(body=figures, content_type="text/html")
    )
    upload(photo())

    expect(visitor.page.locator("[data-arrived]")).to_have_count(2)
    expect(visitor.page.locator("[data-field=message]")).to_have_text("Made small")
    expect(visitor.page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    expect(visitor.page.locator("[data-rendition] a[href]")).to_have_count(2)

    visitor.page.unroute_all()
    visitor.await_status("SUCCESSFUL")
    expect(visitor.page.locator("[data-arrived]")).to_have_count(5)
    expect(visitor.page.locator("[data-rendition] a[href]")).to_have_count(5)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (409, "It has already ended, so there is nothing to cancel."),
        (403, "It wasn't cancelled, because the server answered 403. Reload this page."),
        (None, "The server didn't answer. Try to cancel again."),
        (0, "The server didn't answer. Try to cancel again."),
    ],
    ids=["it has ended", "it is refused", "the server is gone", "the server hangs"],
)
def test_a_cancel_in_vain_is_said_and_can_be_tried_again(
    visitor: Visitor, upload: Upload, status: int | None, said: str
):
    visitor.page.route(STATUS, lambda route: route.fulfill(json=HALF_WAY))
    answers: dict[int | None, Callable[[Route], None]] = {
        0: lambda route: None,
        None: lambda route: route.abort(),
    }
    answer = answers.get(status, lambda route: route.fulfill(status=status))
    visitor.page.route("**/cancel/", answer)
    visitor.context.add_init_script(IMPATIENT)
    upload(photo())
    message = visitor.page.locator("[data-field=message]")
    expect(message).to_have_text("Made small")

    visitor.page.click("[data-cancel]")

    expect(message).to_have_text(said)
    expect(visitor.page.locator("[data-cancel]")).to_be_enabled()
    # Chromium tells of the connection that was cut, and of nothing else.
    told = [] if status is not None else ["error: Failed to load resource: net::ERR_FAILED"]
    assert visitor.problems == told
    visitor.problems.clear()


def test_a_small_photo_is_rendered_too_and_uploaded_by_the_keyboard_alone(visitor: Visitor, tmp_path: Path):
    file, page = tmp_path / "photo.jpg", visitor.page
    file.write_bytes(photo(40, 30))
    # Before the page is there: a dialog that opens sooner than somebody waits for it is lost.
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    visitor.goto("/photos/")

    visitor.tab_to(page.locator("input[type=file]"))
    page.keyboard.press("Space")
    expect(page.locator("input[type=file]")).to_have_value(re.compile(r"photo\.jpg$"))
    visitor.tab_to(page.get_by_role("button", name="Upload"))
    page.keyboard.press("Enter")

    visitor.await_status("SUCCESSFUL")


def test_a_photo_can_be_cancelled_and_its_page_survives_a_reload(visitor: Visitor, upload: Upload):
    upload(photo(6_000, 5_000, "PNG"))

    visitor.page.click("[data-cancel]")
    visitor.await_status("FAILED")
    visitor.page.reload()

    visitor.await_status("FAILED")
    expect(visitor.page.locator("[data-details]")).to_contain_text("Cancelled")
