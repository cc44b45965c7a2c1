"""The options of Celery's decorators, as ours."""

import ast

from .editing import Editing
from .tasks import Decorated

# What a backend of ours does always, or what only Celery needs.
_GO = {
    *("acks_late", "acks_on_failure_or_timeout", "ignore_result", "reject_on_worker_lost", "serializer"),
    *("store_errors_even_if_ignored", "track_started", "typing", "retry_jitter", "retry_backoff_max"),
}
_SAME = {"name": "name", "queue": "queue_name", "dont_autoretry_for": "no_retry_on"}
# https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.max_retries
_USUAL_RETRIES = 3


def options_of(editing: Editing, one: Decorated) -> dict[str, str]:
    """Return our options, as code, of a function that Celery's decorator makes a task."""
    given = one.options
    texts = {key: editing.text(value) for key, value in given.items()}
    found = {"takes_context": "True"} if texts.get("bind") == "True" else {}
    found |= {ours: texts[theirs] for theirs, ours in _SAME.items() if theirs in texts}
    found |= _retries(editing, one, texts)
    limit = texts.get("soft_time_limit", texts.get("time_limit"))
    if limit is not None:
        found["timeout"] = limit
    handled = {"bind", "max_retries", "autoretry_for", "retry_backoff", "retry_kwargs", "default_retry_delay"}
    unknown = set(given) - _GO - set(_SAME) - handled - {"soft_time_limit", "time_limit"}
    if unknown:
        editing.note(one.decorator, f"{', '.join(sorted(unknown))}: no option of ours does this.")
    return found


def _retries(editing: Editing, one: Decorated, texts: dict[str, str]) -> dict[str, str]:
    """Return what says when a failed attempt is followed by another."""
    given, found = one.options, dict[str, str]()
    retries: ast.expr | None = given.get("max_retries")
    if isinstance(given.get("retry_kwargs"), ast.Dict):
        kwargs = given["retry_kwargs"]
        assert isinstance(kwargs, ast.Dict)
        named = {
            key.value: value
            for key, value in zip(kwargs.keys, kwargs.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        retries = named.get("max_retries", retries)
    if retries is None and "autoretry_for" in given:
        found["max_attempts"] = str(_USUAL_RETRIES + 1)
    elif isinstance(retries, ast.Constant) and isinstance(retries.value, int):
        found["max_attempts"] = str(retries.value + 1)
    elif isinstance(retries, ast.Constant):
        editing.note(
            one.decorator, "Attempts without an end are not possible: choose max_attempts, 100 at most."
        )
    elif retries is not None:
        found["max_attempts"] = f"{editing.text(retries)} + 1"
    if "autoretry_for" in texts:
        found["retry_on"] = texts["autoretry_for"]
    elif found:
        editing.note(
            one.decorator, "With max_attempts every exception is tried again: name some in retry_on."
        )
    backoff = texts.get("retry_backoff", "True")
    if backoff not in {"True", "False"}:
        found["backoff"] = backoff
    elif "default_retry_delay" in texts and "retry_backoff" not in texts:
        found["backoff"] = f"lambda attempt: {texts['default_retry_delay']}"
    return found
