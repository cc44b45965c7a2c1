"""The code of the page on what a worker keeps between tasks."""

from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "explanation" / "worker_process.md"


def generator_that_is_closed() -> str:
    """Return how the page closes a generator that contains atomic()."""
    (block,) = (block for block in blocks(PAGE) if block.language == "python")
    return block.text
