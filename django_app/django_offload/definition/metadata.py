"""The metadata of a task: a small dictionary of the project, which is stored in the task's record."""

from typing import Any

from ..protocol.json_codec import dump, load

# As ASCII JSON. Every write of a record bills the whole record, per started KB.
MOST_METADATA_BYTES = 300


def metadata_text(value: object) -> str:
    """Return metadata as JSON. Raise ValueError, without quoting any of it, if it can't be stored."""
    if not isinstance(value, dict):
        raise ValueError(f"metadata is of type {type(value).__name__}. Give a dictionary.")
    try:
        text = dump(value)
        is_same = load(text) == value
    except Exception as exc:  # noqa: BLE001, a value of the project may raise anything
        reason = type(exc).__name__
        raise ValueError(
            f"metadata can't be stored as JSON ({reason}). Give a dictionary of texts, numbers and lists."
        ) from None
    if not is_same:
        raise ValueError(
            "JSON makes another value of metadata. Use texts as keys, and lists instead of tuples."
        )
    if len(text) > MOST_METADATA_BYTES:
        raise ValueError(
            f"metadata has {len(text):,} bytes as JSON, and the limit is {MOST_METADATA_BYTES}. Store more "
            "in your database, and its primary key in metadata."
        )
    return text


def metadata_of(task_result: Any) -> dict[str, Any]:
    """Return a copy of the metadata of a result, also of one that another backend made."""
    found = getattr(task_result, "metadata", None)
    if found is None:
        found = getattr(task_result.task, "metadata", None) or {}
    return load(dump(found))  # type: ignore[no-any-return]
