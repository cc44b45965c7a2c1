"""The Mandelbrot picture: its tiles, and many tasks followed as one."""

from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from django_offload.testing import Offload
from lab.mandelbrot import COLUMNS, INSIDE, PLACES, TILE_HEIGHT, TILE_WIDTH, TILES, draw_tile
from lab.pictures import read_task_list

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch, offload: Offload) -> Offload:
    """Draw tiles that take no time."""
    monkeypatch.setattr("lab.tasks.draw_tile", lambda place, number: b"%d" % number)
    return offload


def begin(client: Client, place: str = "whole") -> str:
    """Start a picture and return its address."""
    answer = client.post("/mandelbrot/", {"place": place})
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "1"
    return answer.headers["Location"].removesuffix("status/")


def test_a_picture_is_followed_as_one_task(client: Client, drawn: Offload):
    address = begin(client)
    before = client.get(f"{address}status/").json()

    assert drawn.run() == TILES
    states = [client.get(f"{address}status/").json() for _ in range(5)]

    assert (before["status"], before["progress"]["done"]) == ("READY", 0)
    done = [state["progress"]["done"] for state in states]
    assert done == [12, 24, 36, 40, 40], "an answer reads twelve records at most"
    assert states[0]["status"] == "RUNNING"
    assert states[-1]["status"] == "SUCCESSFUL"
    assert len(states[-1]["arrived"]) == TILES
    page = client.get(address).text
    assert page.count("data-arrived") == TILES
    assert 'data-status="SUCCESSFUL"' in page
    tile = client.get(f"/files/{address.split('/')[2]}/tile-39.png")
    assert tile.content == b"39"
    assert tile.headers["Content-Type"] == "image/png"


def test_tiles_that_are_not_drawn_can_be_cancelled(client: Client, drawn: Offload):
    address = begin(client)

    answer = client.post(f"{address}cancel/", headers={"Accept": "application/json"})

    assert answer.status_code == 202
    assert answer.json()["status"] == "FAILED"
    drawn.run()
    assert client.get(f"{address}status/").json()["arrived"] == []
    assert "was cancelled" in client.get(address, {"part": "details"}).text
    assert client.post(f"{address}cancel/").headers["Location"] == address


def test_others_see_nothing_of_a_picture(client: Client, drawn: Offload):
    address = begin(client)
    drawn.run()

    for path in (address, f"{address}status/", f"/files/{address.split('/')[2]}/tile-00.png"):
        assert client.get(path).status_code == 200
        assert Client().get(path).status_code == 404
    assert Client().post(f"{address}cancel/").status_code == 404
    assert client.get(f"/files/{address.split('/')[2]}/tasks.json").status_code == 404


def test_a_visitor_finds_a_picture_again(client: Client):
    address = begin(client, "spiral")

    assert f'href="{address}"' in client.get("/mandelbrot/").text
    assert "A spiral" in client.get("/mandelbrot/").text


def test_a_picture_without_its_task_list_is_not_found(client: Client, drawn: Offload):
    address = begin(client)
    for payloads in drawn.payloads.values():
        payloads.objects.clear()
    read_task_list.cache_clear()

    assert client.get(address).status_code == 404


def test_an_unknown_place_is_refused(client: Client):
    answer = client.post("/mandelbrot/", {"place": "atlantis"})

    assert answer.status_code == 400
    assert "Choose one of these places: whole," in answer.text


def test_the_middle_is_inside_and_the_corner_is_not():
    middle = draw_tile(PLACES["whole"], 2 * COLUMNS + 4)
    corner = draw_tile(PLACES["whole"], 0)

    with Image.open(BytesIO(middle)) as tile, Image.open(BytesIO(corner)) as other:
        assert tile.size == (TILE_WIDTH, TILE_HEIGHT)
        assert (TILE_WIDTH * TILE_HEIGHT, INSIDE) in (tile.getcolors() or [])
        assert INSIDE not in [colour for _, colour in other.getcolors(TILE_WIDTH * TILE_HEIGHT) or []]
