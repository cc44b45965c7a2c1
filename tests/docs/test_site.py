"""The pages as the site has them: their links, its menu, and how it is built elsewhere."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT

PLACES = {
    DOCS / "how_to" / "retries.md": "how_to/retries.md",
    DOCS / "tutorial" / "deploy.md": "tutorial/deploy.md",
    ROOT / "ARCHITECTURE.md": "explanation/architecture.md",
}
RETRIES = DOCS / "how_to" / "retries.md"


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """What gathers the pages; Sphinx itself is in another environment."""
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / ".ci" / "docs" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](../tutorial/deploy.md#the-secrets)", "[a](../tutorial/deploy.md#the-secrets)"),
        ("[a](../../../ARCHITECTURE.md#words)", "[a](../explanation/architecture.md#words)"),
        ("[`a`](#longer-than-15-minutes)", "[`a`](#longer-than-15-minutes)"),
        ("[a](https://docs.djangoproject.com/)", "[a](https://docs.djangoproject.com/)"),
        # The site doesn't know where the repository is.
        ("see [the handlers](../../../lambdas/worker.py).", "see the handlers."),
        ("`[a](../../../ARCHITECTURE.md)`", "`[a](../../../ARCHITECTURE.md)`"),
        ("```\n[a](../../../ARCHITECTURE.md)\n```", "```\n[a](../../../ARCHITECTURE.md)\n```"),
    ],
)
def test_a_link_leads_to_the_same_page_on_the_site(site: ModuleType, text: str, expected: str) -> None:
    assert site.outside_code(text, lambda text: site.relinked(text, RETRIES, PLACES)) == expected


def test_a_link_of_a_page_at_the_top_leads_below(site: ModuleType) -> None:
    text = "[a](django_app/docs/how_to/retries.md)"

    assert site.relinked(text, ROOT / "ARCHITECTURE.md", PLACES) == "[a](../how_to/retries.md)"


def test_a_link_that_leads_nowhere_ends_the_build(site: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"retries.md leads to nothing.md, which doesn't exist"):
        site.relinked("[a](nothing.md)", RETRIES, PLACES)


def test_the_menu_has_every_page_once_and_the_four_kinds(site: ModuleType, tmp_path: Path) -> None:
    site.gather(tmp_path)
    index = (tmp_path / "index.md").read_text()

    menu = re.findall(r"^(\w+/\w+)$", index, re.MULTILINE)
    assert sorted(f"{name}.md" for name in menu) == sorted(set(site.pages().values()) - {"index.md"})
    assert re.findall(r":caption: (.+)", index) == ["Tutorial", "How to", "Reference", "Explanation"]
    assert {name.partition("/")[0] for name in menu} == {"tutorial", "how_to", "reference", "explanation"}


def test_read_the_docs_builds_the_same_site() -> None:
    jobs: dict[str, Any] = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text())["build"]["jobs"]
    (install,), (build,) = jobs["install"], jobs["build"]["html"]
    makefile = (ROOT / "Makefile").read_text()

    assert install.endswith("--require-hashes --no-deps -r .ci/docs/requirements.lock")
    assert ".ci/docs/requirements.lock" in makefile
    assert build == 'python .ci/docs/build.py "$READTHEDOCS_OUTPUT/html"'
    assert "python .ci/docs/build.py build/docs" in makefile
