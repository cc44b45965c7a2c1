"""All that offload_init would write."""

from ...stack.layout import Layout
from .changes import Change
from .infra import infra
from .lambdas import lambdas
from .zappa import zappa


def changes_of(layout: Layout, stack: str) -> list[Change]:
    """Return every file that deploying the project's tasks takes, as it is and as it should be."""
    return [*lambdas(layout), *infra(layout, stack), zappa(layout, stack)]
