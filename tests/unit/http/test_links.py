"""A page links to addresses of http and https, and to those of its own site."""

import re
from html import unescape

import pytest
from django.core import signing
from django.urls import reverse
from django.utils.safestring import mark_safe

from django_offload.http.links import is_link
from django_offload.http.tokens import PIECE_SALT
from tests.unit import tasks

pytestmark = pytest.mark.urls("tests.unit.http.site_of_pieces")

LINKS = [
    "/reports/7/?page=2#top",
    "reports/7/",
    "?page=2",
    "#top",
    "/my report/",
    "/?next=https://example.com/",
    "/at/12:30/",
    "http://example.com/",
    "https://bucket.s3.eu-north-1.amazonaws.com/report.csv?X-Amz-Signature=0123",
    "HTTPS://EXAMPLE.COM/",
    "/تقرير/",
]
OTHERS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\tjavascript:alert(1)",
    "\x01javascript:alert(1)",
    "\u00a0javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "java\x00script:alert(1)",
    "javascript\r:alert(1)",
    "javascript:alert(1)//https://testserver/",
    "javascript://testserver/%0Aalert(1)",
    "javascript&#58;alert(1)",
    "&#106;avascript:alert(1)",
    "javascript&colon;alert(1)",
    "java&Tab;script:alert(1)",
    "javascript%3Aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "DATA:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "blob:https://testserver/1",
    "file:/etc/passwd",
    "ftp://example.com/",
    "mailto:a@example.com",
    "view-source:https://testserver/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/%2Fevil.example",
    "%2F%2Fevil.example",
    "/%5Cevil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "http://[evil",
    "/\u202egpj.exe",
    "/\ud800",
    "/\u2028",
    " /reports/",
]


@pytest.mark.parametrize("address", LINKS)
def test_an_address_of_the_web_is_a_link(address):
    assert is_link(address)


@pytest.mark.parametrize("address", OTHERS)
def test_any_other_is_none(address):
    assert not is_link(address)


@pytest.mark.parametrize("address", LINKS[:2] + LINKS[-4:-1] + OTHERS)
def test_a_piece_links_only_to_an_address_of_the_web(page, visitor, caplog, offload, address):
    result = tasks.double.enqueue(1)
    # As an earlier release signed it.
    token = signing.dumps([result.id, {"then": address, "link": "Open"}], salt=PIECE_SALT)
    offload.run()
    result.refresh()

    source = "{% task_progress result then=address link='Open' refresh=address %}"
    html = page(source, result=result, address=address)
    poll_url = reverse("django_offload:progress", args=[result.id])
    answer = visitor().client.get(poll_url, headers={"X-Offload-Token": token}).text

    for piece in (html, answer):
        assert [unescape(link) for link in re.findall(r'href="([^"]+)">Open<', piece)] == (
            [address] if address in LINKS else []
        )
    warned = [line for line in caplog.messages if line.startswith("task_progress makes no link to ")]
    assert len(warned) == (address in OTHERS)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//evil.example/", "data:,x"])
def test_the_link_to_refresh_leads_to_this_site(page, offload, address):
    html = page("{% task_progress result refresh=address %}", result=tasks.double.enqueue(1), address=address)

    (link,) = re.findall(r'class="offload-refresh"><a href="([^"]+)"', html)
    assert link.startswith("/tasks/")


@pytest.mark.parametrize("marked", ["then", "label", "link", "refresh"])
def test_a_text_that_is_marked_as_safe_is_escaped_all_the_same(page, offload, marked):
    result = tasks.double.enqueue(1)
    if marked in {"then", "link"}:
        offload.run()
        result.refresh()
    text = mark_safe('/reports/?a"onclick="go()<b>')
    words = {"then": "/reports/", marked: text}

    html = page(
        f"{{% task_progress result {' '.join(f'{name}={name}' for name in words)} %}}", result=result, **words
    )

    assert "/reports/?a&quot;onclick=&quot;go()&lt;b&gt;" in html
    assert 'onclick="' not in html
    assert "<b>" not in html
