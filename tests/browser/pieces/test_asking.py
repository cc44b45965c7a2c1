"""How often watch.js asks: by the server's word, by its own patience, and never in a hidden tab."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pieces.site import Site
from tests.browser.visitor import Visitor

REHEARSAL = (Path(__file__).parent / "rehearsal.js").read_text()
MOST_LINES = 75
OK, GONE = 200, 404

type Rehearse = Callable[..., dict[str, Any]]


def error(status: int) -> str:
    return f"The task cannot be followed because /tasks/ answered {status}. Reload the page."


@pytest.fixture
def rehearse(visitor: Visitor) -> Rehearse:
    """Return what follows a task through given answers, (status, headers) or "cut", in no time."""

    def run(
        *given: Any,
        link: str = "/tasks/",
        token: str = "",
        hide_at: int | None = None,
        stop_at: int | None = None,
    ) -> dict[str, Any]:
        told = {"given": list(given), "link": link, "token": token, "hideAt": hide_at, "stopAt": stop_at}
        heard: dict[str, Any] = visitor.page.evaluate(REHEARSAL, told)
        return heard

    return run


def test_it_has_at_most_75_lines():
    script = Path(__file__).parents[3] / "django_app/django_offload/static/django_offload/watch.js"

    assert len(script.read_text().splitlines()) <= MOST_LINES


def test_the_server_says_when_to_ask_again(rehearse: Rehearse):
    heard = rehearse(
        [OK, {"Retry-After": "1"}], [OK, {"Retry-After": "7"}], [503, {"Retry-After": "45"}], [OK]
    )

    assert heard["waits"] == [0, 1, 7, 45]
    assert heard["yielded"] == 3


def test_where_the_server_says_nothing_it_asks_after_1_s_and_ever_more_seldom(rehearse: Rehearse):
    heard = rehearse(*[[OK]] * 10)

    assert heard["waits"] == pytest.approx([0, 1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10, 10, 10])


def test_what_is_known_is_not_sent_or_told_again(rehearse: Rehearse):
    heard = rehearse([OK, {"ETag": '"a"'}], [304], [304], [OK, {"ETag": '"b"'}], [OK])

    assert heard["etags"] == [None, '"a"', '"a"', '"a"', '"b"']
    assert heard["yielded"] == 3


def test_it_asks_again_after_a_server_or_a_network_that_fails(rehearse: Rehearse):
    heard = rehearse([OK, {"ETag": '"a"'}], "cut", [502], [429, {"Retry-After": "20"}], "cut", [OK])

    assert heard["error"] is None
    assert heard["yielded"] == 2
    assert heard["waits"] == pytest.approx([0, 1, 1.5, 2.25, 20, 10])


def test_a_hidden_tab_asks_nothing_and_a_shown_one_at_once(rehearse: Rehearse):
    heard = rehearse([OK], [OK], [OK], hide_at=2)

    assert heard["askedHidden"] == 1
    assert heard["waits"] == pytest.approx([0, 1, 1.5])
    assert heard["yielded"] == 3


@pytest.mark.parametrize("hide_at", [None, 2], ids=["shown", "hidden"])
def test_a_signal_ends_a_wait_at_once(rehearse: Rehearse, hide_at: int | None):
    heard = rehearse([OK], [OK], hide_at=hide_at, stop_at=2)

    assert heard["error"] == "That is enough."
    assert (heard["yielded"], len(heard["etags"])) == (1, 1), "it asked once more"
    assert not heard["late"]
    assert 2 in heard["cleared"], "the timer goes on"


def test_a_task_that_is_not_recorded_yet_is_asked_for_a_few_times(rehearse: Rehearse):
    assert rehearse([GONE], [GONE], [GONE], [GONE], [OK])["yielded"] == 1
    assert rehearse(*[[GONE]] * 5, [OK])["error"] == error(GONE)


@pytest.mark.parametrize("status", [GONE, 403, 400, 0], ids=["gone", "forbidden", "wrong", "redirected"])
def test_it_gives_up_where_it_is_not_to_know(rehearse: Rehearse, status: int):
    heard = rehearse([OK, {"ETag": '"a"'}], [status], [OK])

    assert heard["error"] == error(status)
    assert heard["yielded"] == 1


@pytest.mark.parametrize(
    ("link", "token", "asked"),
    [
        ("/tasks/", "", ("/tasks/", None)),
        ("/tasks/", "a:b", ("/tasks/", "a:b")),
        ("/tasks/?a=b", "", ("/tasks/?a=b", None)),
        ("/tasks/?token=a:b", "", ("{site}/tasks/", "a:b")),
        ("/tasks/?a=b&%74oken=a%3Ab", "", ("{site}/tasks/?a=b", "a:b")),
        ("/tasks/?token=old", "new", ("{site}/tasks/", "new")),
        ("{site}/tasks/?token=a:b", "", ("{site}/tasks/", "a:b")),
        # Another origin would have to allow the header, so its links are followed as they are.
        ("https://api.example.com/?token=a:b", "", ("https://api.example.com/?token=a:b", None)),
    ],
)
def test_a_token_is_sent_in_a_header_and_in_no_address_of_the_site(
    rehearse: Rehearse, site: Site, link: str, token: str, asked: tuple[str, str | None]
):
    heard = rehearse([OK], [OK], link=link.format(site=site.address), token=token)

    assert heard["asked"] == [[asked[0].format(site=site.address), asked[1]]] * 2


@pytest.mark.parametrize("scheme", ["javascript", "data", "blob", "file", "JaVaScRiPt"])
def test_an_address_of_another_scheme_is_never_asked(rehearse: Rehearse, scheme: str):
    heard = rehearse([OK], link=f'{scheme}:,{{"status":"SUCCESSFUL"}}?token=a:b')

    assert heard["error"] == (
        f"{scheme.lower()}: is no protocol of a task's address. Pass the Location of the 202 answer."
    )
    assert not heard["asked"]


def test_an_error_shows_no_token(rehearse: Rehearse):
    heard = rehearse([403], link="https://api.example.com/tasks/?token=a:b")

    assert heard["error"] == (
        "The task cannot be followed because https://api.example.com/tasks/ answered 403. Reload the page."
    )
