"""Signed tokens: whoever bears one may read the status of one task, or see its progress, for a day."""

from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, TimestampSigner, dumps, loads

LIFE = timedelta(hours=24)
SALT = "django_offload.http.token"
PIECE_SALT = "django_offload.http.piece"


def token_for(task_id: str) -> str:
    """Return a token that reads this one task."""
    return TimestampSigner(salt=SALT).sign(task_id).removeprefix(f"{task_id}:")


def verifies(task_id: str, token: str) -> bool:
    """Tell whether a token is for this task, and not older than a day."""
    try:
        TimestampSigner(salt=SALT).unsign(f"{task_id}:{token}", max_age=LIFE)
    except BadSignature:
        return False
    return True


def piece_token(task_id: str, words: dict[str, Any]) -> str:
    """
    Return a token that sees the progress of this one task, and nothing else of it.

    It carries what the piece of a page says beside the progress, so that each answer says the same.
    """
    return dumps([task_id, words], salt=PIECE_SALT)


def piece_words(task_id: str, token: str) -> dict[str, Any] | None:
    """Return what a token for a piece carries; None if it is not for this task, or older than a day."""
    try:
        signed_id, words = loads(token, salt=PIECE_SALT, max_age=LIFE)
    except BadSignature:
        return None
    return dict(words) if signed_id == task_id else None
