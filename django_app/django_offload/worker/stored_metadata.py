"""Metadata that a task changed, written to its record."""

import logging
from dataclasses import replace

from ..definition.context import OffloadContext
from ..definition.metadata import metadata_text
from ..definition.registry import name_of
from ..protocol.conditional_write import ConditionalWrite
from ..protocol.transitions import holds_claim

logger = logging.getLogger("django_offload")


def save_metadata(*, fence: int, token: str, text: str) -> ConditionalWrite:
    """Store the metadata of the attempt that has the claim."""
    return ConditionalWrite(
        name="save metadata", conditions=(holds_claim(fence, token),), put={"metadata": text}
    )


def with_metadata(change: ConditionalWrite, context: OffloadContext) -> ConditionalWrite:
    """
    Return the write that ends or releases an attempt, together with the metadata that the task changed.

    Metadata that can't be stored is logged, and the record keeps the former. It doesn't decide the outcome,
    because the task has done its work, and its return value or its exception says how that went.
    """
    state, result = context.state, context.task_result
    try:
        text = metadata_text(state.metadata)
    except ValueError as exc:
        task = result.task
        logger.error("Task id=%s name=%s keeps its former metadata: %s", result.id, name_of(task), exc)
        return change
    if text == state.metadata_was:
        return change
    return replace(change, put={**change.put, "metadata": text})
