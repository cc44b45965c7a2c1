"""The first page: its contents, and that the code it shows works as described."""

import re
import sys
from collections.abc import Iterator
from html import unescape
from types import ModuleType

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_offload.testing import Offload
from lab import seeding
from lab.comparison import COLUMNS, VITALS, WAYS
from lab.thread_limit import WAITED
from lab.timing import ServerTimingMiddleware, timed

pytestmark = pytest.mark.django_db(transaction=True)

TIMING = re.compile(r'(\w+);dur=([\d.]+);desc="([^"]+)"')

TEMPLATES = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", {"report.html": "{{ orders }}"})]},
}


def timings(response: HttpResponse) -> dict[str, float]:
    return {name: float(value) for name, value, _ in TIMING.findall(response.headers["Server-Timing"])}


def code(client: Client, way: str) -> str:
    match = re.search(rf'<code data-code="{way}">(.*?)</code>', client.get("/").text, re.DOTALL)
    assert match
    return unescape(match[1])


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Install the project of the page's code. Return the numbers of orders that it made reports of."""
    report_sizes: list[int] = []
    reports = ModuleType("shop.reports")
    reports.build_report = lambda orders: report_sizes.append(orders) or {"orders": orders}
    for module in (ModuleType("shop"), reports, ModuleType("shop.tasks"), ModuleType("shop.views")):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return report_sizes


def run(text: str, settings: Settings) -> HttpResponse:
    """Run the page's code as the modules that it names, and then its view."""
    for part in re.split(r"^# (?=shop/)", text, flags=re.MULTILINE)[1:]:
        path, _, body = part.partition("\n")
        module = sys.modules[path.removesuffix(".py").replace("/", ".")]
        exec(body, module.__dict__)  # noqa: S102, the code is this repository's
    backend = settings.TASKS["default"]
    options = {**backend["OPTIONS"], "modules": ["shop.tasks"]}
    settings.TASKS = {**settings.TASKS, "default": {**backend, "OPTIONS": options}}
    view = sys.modules["shop.views"].report
    response: HttpResponse = view(RequestFactory().get("/"))
    return response


def test_the_code_of_both_ways_works_as_the_page_says(
    client: Client, shop: list[int], settings: Settings, offload: Offload
):
    texts = {way: code(client, way) for way in WAYS}
    settings.TEMPLATES = [TEMPLATES]

    slow = run(texts["request"], settings)
    assert (slow.status_code, slow.text, shop) == (200, "200000", [200_000])

    for count, word in enumerate((".enqueue(", ".delay("), start=1):
        quick = run(texts["offload"].replace(".enqueue(", word), settings)
        assert (quick.status_code, len(shop)) == (202, count), "the view made no report"
        assert quick.headers["Location"].startswith("/tasks/")
        assert offload.run() == 1
        assert shop == [200_000] * (count + 1)


def test_the_code_fits_ten_lines_each_way(client: Client):
    for way in WAYS:
        lines = [line for line in code(client, way).splitlines() if line and not line.strip().startswith("#")]
        assert len(lines) <= 10, lines


def test_the_table_has_a_row_for_each_way_and_a_cell_for_each_metric(client: Client):
    page = client.get("/").text

    for way in WAYS:
        for column in COLUMNS:
            assert f'data-way="{way}" data-metric="{column.metric}"' in page
    for vital in VITALS:
        assert f'data-good="{vital.good}" data-poor="{vital.poor}"' in page
    assert "data-value" not in page, "no figure is written in advance"


def test_every_view_reports_its_duration(client: Client, offload: Offload, monkeypatch: pytest.MonkeyPatch):
    seeding.seed(1_000)
    monkeypatch.setattr("lab.sizes.seeded", lambda: 50_000)

    offloaded = timings(client.post("/reports/", {"orders": "50000"}))
    in_request = timings(client.post("/reports/in-request/", {"orders": "50000"}))
    drawn = timings(client.post("/mandelbrot/", {"place": "whole"}))

    assert set(offloaded) == set(drawn) == {"wait", "view", "enqueue"}
    assert set(in_request) == {"wait", "view", "work"}
    for parts in (offloaded, in_request, drawn):
        part = parts.get("work", parts.get("enqueue", 0.0))
        assert 0 < part <= parts["view"]
    assert set(timings(client.get("/nothing/"))) == {"wait", "view"}


@pytest.mark.parametrize(
    ("path", "orders", "status"),
    [("/reports/", "50000", 202), ("/reports/in-request/", "50000", 200), ("/reports/", "200000", 400)],
)
def test_the_orders_of_the_shop_are_counted_once(
    client: Client,
    offload: Offload,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    orders: str,
    status: int,
):
    seeding.seed(1_000)
    counts: list[int] = []
    monkeypatch.setattr("lab.sizes.seeded", lambda: counts.append(1) or 50_000)

    assert client.post(path, {"orders": orders}).status_code == status

    assert len(counts) == 1


def test_the_wait_for_a_thread_is_reported():
    def view(request: HttpRequest) -> HttpResponse:
        with timed(request, "work", "Something"):
            return HttpResponse()

    response = ServerTimingMiddleware(view)(RequestFactory().get("/", **{WAITED: 1.25}))

    assert response.headers["Server-Timing"].startswith(
        'wait;dur=1250.0;desc="Waiting for a thread", view;dur='
    )
    assert timings(response)["work"] <= timings(response)["view"]
