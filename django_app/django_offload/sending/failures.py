"""The texts of exceptions that concern a task, without its sensitive arguments."""

from ..definition.registry import mask_of
from ..exceptions import CallFailed, EnqueueFailed
from ..protocol.enqueued_task import EnqueuedTask


def masked_text(exc: Exception, enqueued: EnqueuedTask) -> str:
    """Return an exception's text without sensitive values, or its class if one is too short to be found."""
    mask = mask_of(enqueued)
    if mask is None:
        return str(exc)
    return mask(str(exc)) if mask.complete else type(exc).__qualname__


def enqueue_failed(enqueued: EnqueuedTask, cause: Exception) -> EnqueueFailed:
    failure = EnqueueFailed(enqueued.id, enqueued.name, enqueued.queue)
    # A log or an error mail of the failure shows its cause too.
    text = f"{type(cause).__qualname__}: {masked_text(cause, enqueued)}"
    failure.__cause__ = cause if mask_of(enqueued) is None else CallFailed(text)
    return failure
