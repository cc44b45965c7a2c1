"""The pages and the tasks behind them, with everything in memory."""

import re
from html import unescape
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from PIL import Image

from django_offload.testing import Offload
from lab import files, seeding
from lab.photos import PHOTO_FILES
from lab.uploads import LIMIT
from tests.unit.lab.hostile_images import many_scans, slow_profile
from tests.unit.lab.images import bomb, photo

# Tasks are sent at the commit, so in a test within a transaction none would run.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop(offload: Offload) -> Offload:
    seeding.seed(50_000 // 50)
    return offload


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer a report that takes only a moment."""
    monkeypatch.setattr("lab.sizes.seeded", lambda: 50_000)


def attribute(response: HttpResponse, name: str) -> str:
    match = re.search(rf'{name}="([^"]*)"', response.text)
    assert match, f"no {name} in {response.text}"
    return match[1]


def start_report(client: Client) -> HttpResponse:
    return client.post("/reports/", {"orders": "50000"})


def upload(client: Client, data: bytes, name: str = "photo.jpg") -> HttpResponse:
    return client.post("/photos/", {"photo": SimpleUploadedFile(name, data, "image/jpeg")})


def test_the_first_page_offers_both_ways(client: Client):
    page = client.get("/")

    assert page.status_code == 200
    assert 'data-run="request"' in page.text
    assert 'data-run="offload"' in page.text
    for way in ("request", "offload"):
        for metric in ("ttfb", "painted", "ready"):
            assert f'data-way="{way}" data-metric="{metric}"' in page.text


@pytest.mark.parametrize(
    "path", ["/", "/reports/", "/photos/", "/mandelbrot/", "/retries/", "/visitors/page/", "/nothing/"]
)
def test_no_page_has_inline_scripts_or_styles(client: Client, path: str):
    page = client.get(path)

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_an_offloaded_report_is_answered_202_with_a_page_that_follows_it(client: Client):
    page = start_report(client)

    assert page.status_code == 202
    status_url, _, token = page.headers["Location"].partition("?token=")
    assert status_url == attribute(page, "data-status-url")
    assert page.headers["X-Offload-Token"] == unquote(token)
    assert page.headers["Retry-After"] == "1"
    assert attribute(page, "data-status") == "READY"


def test_a_finished_report_shows_its_chart_and_offers_downloads(client: Client, shop: Offload):
    address = attribute(start_report(client), "data-page-url")

    assert shop.run() == 1

    page = client.get(address)
    assert attribute(page, "data-status") == "SUCCESSFUL"
    assert attribute(page, "aria-valuenow") == "100"
    sheet = client.get(re.findall(r'href="(/files/[^"]*csv[^"]*)"', page.text)[0])
    assert sheet.headers["Content-Disposition"] == 'attachment; filename="report.csv"'
    assert sheet.headers["Content-Type"] == "text/csv"
    chart = client.get(re.findall(r'img class="chart" src="([^"]*)"', page.text)[0])
    assert chart.headers["Content-Type"] == "image/svg+xml"
    assert chart.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in chart.headers["Content-Security-Policy"]


def test_the_details_have_the_result_without_the_page(client: Client, shop: Offload):
    address = attribute(start_report(client), "data-page-url")
    shop.run()

    piece = client.get(address, {"part": "details"})

    assert "data-result" in piece.text
    assert "<html" not in piece.text


def test_a_report_in_the_request_is_the_same_and_its_files_are_the_visitors(client: Client, shop: Offload):
    address = attribute(start_report(client), "data-page-url")
    shop.run()
    figures = re.compile(r"<dd>([^<]*)</dd>")

    page = client.post("/reports/in-request/", {"orders": "50000"})

    assert page.status_code == 200
    assert figures.findall(page.text) == figures.findall(client.get(address).text)
    sheet = re.findall(r'href="(/files/[^"]*csv[^"]*)"', page.text)[0]
    assert client.get(sheet).status_code == 200
    assert Client().get(sheet).status_code == 404


def test_others_see_nothing_of_a_report(client: Client, shop: Offload):
    page = start_report(client)
    shop.run()
    address, run = attribute(page, "data-page-url"), attribute(page, "data-task")

    for path in (address, f"/tasks/{run}/", f"/files/{run}/report.csv", f"/files/{run}/chart.svg"):
        assert client.get(path).status_code == 200
        assert Client().get(path).status_code == 404


def test_a_token_lets_somebody_else_read_it(client: Client, shop: Offload):
    page = start_report(client)
    shop.run()
    token = page.headers["Location"].partition("?")[2]

    opened = Client().get(f"{attribute(page, 'data-page-url')}?{token}")
    assert opened.status_code == 200
    assert opened.headers["Referrer-Policy"] == "strict-origin", "the page would send its token on"
    assert Client().get(f"/files/{attribute(page, 'data-task')}/report.csv?{token}").status_code == 200


def test_a_page_of_another_kind_does_not_show_it(client: Client):
    run = attribute(start_report(client), "data-task")

    assert client.get(f"/photos/{run}/").status_code == 404
    assert client.get(f"/retries/{run}/").status_code == 404


@pytest.mark.parametrize("name", ["original", "page.html", "report.csv.bak"])
def test_only_files_of_known_names_are_served(client: Client, name: str):
    run = attribute(upload(client, photo()), "data-task")
    files.put(run, name, b"<script>")

    assert client.get(f"/files/{run}/{name}").status_code == 404


@pytest.mark.parametrize("way", ["/reports/", "/reports/in-request/"])
@pytest.mark.parametrize(
    ("orders", "reason"),
    [("3000000", "seed_orders --orders 3000000"), ("7", "not one of"), ("x", "not one of")],
)
def test_an_unavailable_size_is_refused(client: Client, way: str, orders: str, reason: str):
    page = client.post(way, {"orders": orders})

    assert page.status_code == 400
    assert reason in page.text


def test_the_other_backend_can_be_chosen(client: Client, shop: Offload):
    page = client.post("/reports/", {"orders": "50000", "backend": "direct"})
    shop.run()

    assert attribute(client.get(attribute(page, "data-page-url")), "data-status") == "SUCCESSFUL"


def test_a_visitor_finds_earlier_reports_again(client: Client):
    address = attribute(start_report(client), "data-page-url")

    assert address in client.get("/reports/").text
    assert address not in Client().get("/reports/").text


def test_a_photo_becomes_five_renditions(client: Client, shop: Offload):
    page = upload(client, photo())
    assert page.status_code == 202
    assert page.text.count("data-src=") == 5

    shop.run()

    done = client.get(attribute(page, "data-page-url"))
    addresses = re.findall(r'<img alt="\w+" src="(/files/[^"]*)"', done.text)
    assert len(addresses) == 5
    for address in addresses:
        answer = client.get(address)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert Image.open(BytesIO(answer.content)).format == "JPEG"
        assert Client().get(address).status_code == 404


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"no image", 400, "not an image"),
        (photo()[:-200], 400, "cut short"),
        (many_scans(1_500), 400, "more than 100 scans.* Save the photo again as an ordinary JPEG"),
        (bomb(30_000, 30_000), 400, "40 million pixels"),
        (bytes(LIMIT + 1), 413, "larger than 10 MB"),
    ],
)
def test_a_bad_upload_is_refused_with_a_clear_sentence(client: Client, data: bytes, status: int, reason: str):
    page = upload(client, data)

    assert page.status_code == status
    assert re.search(rf'role="alert">[^<]*{reason}', page.text)


def test_a_request_checks_the_headers_and_the_worker_decodes(
    client: Client, shop: Offload, monkeypatch: pytest.MonkeyPatch
):
    decoders: list[str] = []
    open_image, get_decoder = Image.open, Image._getdecoder

    def counted_open(*args: Any, **options: Any) -> Image.Image:
        decoders.append("open")
        return open_image(*args, **options)

    def counted_decoder(mode: str, name: str, *args: Any) -> Any:
        decoders.append(name)
        return get_decoder(mode, name, *args)

    monkeypatch.setattr(Image, "open", counted_open)
    monkeypatch.setattr("PIL.Image._getdecoder", counted_decoder)
    uploads = [photo(), photo(kind="PNG"), photo(kind="WEBP"), many_scans(60), bomb(100, 100)]
    refused = [many_scans(1_500), photo()[:-200], bomb(30_000, 30_000)]

    assert [upload(client, data).status_code for data in uploads] == [202] * 5
    assert [upload(client, data).status_code for data in refused] == [400] * 3

    assert decoders == []
    shop.run()
    assert decoders == ["open", "jpeg", "open", "zip", "open", "raw", "open", "jpeg", "open", "zip"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bomb(100, 100), "The image is damaged or cut short. Export it again, or choose another."),
        (photo(icc_profile=slow_profile(2)), "Save the photo again with the profile sRGB."),
    ],
    ids=["damaged pixels", "a profile with calculations"],
)
def test_a_photo_that_cannot_be_rendered_fails_once_with_a_clear_sentence(
    client: Client, shop: Offload, data: bytes, reason: str
):
    page = upload(client, data)
    assert page.status_code == 202
    shop.run()

    done = client.get(attribute(page, "data-page-url"))
    assert attribute(done, "data-status") == "FAILED"
    assert reason in done.text
    assert "The task failed after 1 attempt." in done.text


def test_many_files_at_once_are_together_too_large(client: Client):
    part = bytes(LIMIT // 3 + 1)
    files = {f"photo{number}": SimpleUploadedFile("a.png", part) for number in range(3)}

    page = client.post("/photos/", files)

    assert page.status_code == 413


def test_an_upload_without_a_file_is_refused(client: Client):
    page = client.post("/photos/", {})

    assert page.status_code == 400
    assert "No file arrived" in page.text


def test_two_failures_and_a_success_are_shown(client: Client, shop: Offload):
    page = client.post("/retries/", {"failures": "2"})
    shop.run()

    done = client.get(attribute(page, "data-page-url"))

    assert attribute(done, "data-status") == "SUCCESSFUL"
    assert attribute(done, "data-attempts") == "3"
    for attempt in (1, 2):
        assert f"was not there on attempt {attempt}" in done.text
    assert "lab.rates.RatesMissing" in done.text
    assert "1.0842" in done.text


def test_a_final_failure_is_shown(client: Client, shop: Offload):
    page = client.post("/retries/", {"failures": "3"})
    shop.run()

    done = client.get(attribute(page, "data-page-url"))

    assert attribute(done, "data-status") == "FAILED"
    assert "The task failed after 3 attempts." in done.text
    assert "data-result" not in done.text


def test_an_unknown_number_of_failures_is_refused(client: Client):
    assert client.post("/retries/", {"failures": "9"}).status_code == 400


def test_a_report_somebody_cancelled_stops(client: Client, shop: Offload):
    page = start_report(client)

    assert client.post(attribute(page, "data-cancel-url")).status_code == 202
    shop.run()

    done = client.get(attribute(page, "data-page-url"))
    assert attribute(done, "data-status") == "FAILED"
    assert "Cancelled" in done.text


def test_a_photo_somebody_cancels_stops_at_the_next_rendition(
    client: Client, shop: Offload, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("django_offload.definition.context.ASK_EVERY_SECONDS", 0)
    page = upload(client, photo())
    put = files.put

    def put_and_cancel(run: str, name: str, data: bytes) -> None:
        put(run, name, data)
        client.post(attribute(page, "data-cancel-url"))

    monkeypatch.setattr(files, "put", put_and_cancel)
    shop.run()

    done = client.get(attribute(page, "data-page-url"))
    assert attribute(done, "data-status") == "FAILED"
    assert "Cancelled" in done.text
    stored = [name for name in PHOTO_FILES if files.get(attribute(page, "data-task"), name)]
    assert len(stored) == 1


def test_a_missing_upload_is_an_error_with_advice(client: Client, shop: Offload):
    page = upload(client, photo())
    for payloads in shop.payloads.values():
        payloads.objects.clear()
    shop.run()

    assert "Upload the photo again" in client.get(attribute(page, "data-page-url")).text


def cancel(client: Client, page: HttpResponse) -> None:
    answer = client.post(unescape(attribute(page, "data-cancel-url")), headers={"Accept": "application/json"})
    assert answer.status_code < 300


def test_a_cancelled_run_is_told_no_attempt_that_did_not_happen(client: Client, shop: Offload):
    page = start_report(client)
    cancel(client, page)
    shop.run()

    text = client.get(attribute(page, "data-page-url")).text

    assert "<strong>Ended</strong> <code>django_offload.exceptions.Cancelled</code>" in text
    assert "The task was cancelled before its first attempt." in text
    assert "Attempt 1" not in text
    assert 'data-outcome="cancelled"' in text
    assert ">Cancelled</span>" in text


@pytest.mark.parametrize(
    ("lost", "titles"), [(False, ["Attempt 1 failed", "Attempt 2 failed", "Attempt 3 failed"]), (True, None)]
)
def test_an_error_is_given_the_number_of_its_attempt_or_none(
    client: Client, shop: Offload, lost: bool, titles: list[str] | None
):
    if lost:
        shop.kill_next()
    page = client.post("/retries/", {"failures": "3"})
    shop.run()

    text = client.get(attribute(page, "data-page-url")).text

    assert "The task failed after 3 attempts." in text
    assert 'data-outcome="failed"' in text
    found = re.findall("<strong>(.*? failed)</strong>", text)
    assert found == (titles or ["An attempt failed"] * 2)
