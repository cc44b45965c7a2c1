"""Every block of code on every page is run, or held by what is said of it in holders.py."""

import re
from pathlib import Path

import pytest

from tests.docs.holders import HOLDERS, arguments_of, unknown_options
from tests.docs.pages import DOCS, PAGES, ROOT, Block, blocks, fits_inline, name_of

BLOCKS = [block for page in PAGES for block in blocks(page)]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
# In a sentence a command may stand without its arguments: then its options alone are held.
COMMAND = re.compile(
    r"(?P<python>python manage\.py )?(?:manage\.py )?(?P<command>offload_\w+)(?P<rest>( .*)?)"
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def test_there_are_blocks_on_every_kind_of_page() -> None:
    pages = {name_of(block.page) for block in BLOCKS}

    assert {
        "README.md",
        "django_app/docs/tutorial/first_task.md",
        "django_app/docs/how_to/progress_on_a_page.md",
    } < pages
    assert sum(block.language == "sh" for block in BLOCKS) > 10


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_somebody_runs_the_block(block: Block) -> None:
    assert any(holds(block) for holds in HOLDERS), (
        f"Nobody runs this block: add it to a test that does, and to tests/docs/holders.py.\n{block.text}"
    )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_a_sentence_could_be_given(page: Path) -> None:
    for text in fits_inline(page):
        found = COMMAND.fullmatch(text)
        if found is None or text == found["command"]:  # It may be a fixture's name.
            continue
        if found["python"]:
            assert arguments_of(text) is not None, f"{name_of(page)}: no parser takes {text}"
        assert unknown_options(found["command"], found["rest"]) == [], f"{name_of(page)}: {text}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for found in LINK.finditer(page.read_text()):
        path, _, anchor = found["target"].partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)} leads to {path}"
        if anchor:
            assert anchor in anchors(target), f"{name_of(page)} leads to #{anchor}"


def test_the_index_leads_to_every_page() -> None:
    index = DOCS / "index.md"
    leads = {(DOCS / found["target"]).resolve() for found in LINK.finditer(index.read_text())}

    assert set(DOCS.rglob("*.md")) - {index} - leads == set()


def test_the_readme_leads_to_the_index() -> None:
    leads = {found["target"] for found in LINK.finditer((ROOT / "README.md").read_text())}

    assert name_of(DOCS / "index.md") in leads


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("rm -r x", "sh"),
        ("rm -rf check", "sh"),
        ("print(1)", "python"),
        ("make nothing-of-ours", "sh"),
        ("rm -r x  # ──▶ gone", ""),
        ("python manage.py flush\npython manage.py offload_local\n     └─▶ starts", ""),
    ],
)
def test_a_block_that_nobody_runs_is_found(text: str, language: str) -> None:
    block = Block(page=ROOT / "README.md", line=1, language=language, text=f"{text}\n")

    assert not any(holds(block) for holds in HOLDERS)


@pytest.mark.parametrize(
    "line", ["python manage.py offload_status --wtch", "python manage.py offload_nothing", "offload_dead lst"]
)
def test_a_command_that_no_parser_takes_is_found(line: str) -> None:
    assert arguments_of(line) is None


def test_an_option_that_a_command_does_not_have_is_found() -> None:
    assert unknown_options("offload_dead", " redrive --cause X --al") == ["--al"]
