"""Signed tokens for one task. Each is valid for a day and reads its status or shows its progress."""

from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, TimestampSigner, dumps, loads
from django.http import HttpRequest

from .log_filter import hide_in_request

# Scripts send a token in this header, because servers log addresses. The 202 answer has it too.
HEADER = "X-Offload-Token"
MAX_AGE = timedelta(hours=24)
STATUS_SALT = "django_offload.http.token"
PIECE_SALT = "django_offload.http.piece"


def token_of(request: HttpRequest) -> str:
    """
    Return the token that a request carries, or an empty text.

    The header comes first. A query that has the parameter `token` twice carries none.
    """
    if token := request.headers.get(HEADER, ""):
        return token
    tokens = request.GET.getlist("token")
    return tokens[0] if len(tokens) == 1 else ""


def take_token(request: HttpRequest) -> str:
    """Return the token that a request carries, and hide it there, so that no report of an error shows it."""
    token = token_of(request)
    hide_in_request(request)
    return token


def status_token(task_id: str) -> str:
    """Return a token that reads the status of this one task."""
    return TimestampSigner(salt=STATUS_SALT).sign(task_id).removeprefix(f"{task_id}:")


def is_status_token(token: str, task_id: str) -> bool:
    """Return True if the token belongs to this task and is at most a day old."""
    try:
        TimestampSigner(salt=STATUS_SALT).unsign(f"{task_id}:{token}", max_age=MAX_AGE)
    except BadSignature:
        return False
    return True


def piece_token(task_id: str, words: dict[str, Any]) -> str:
    """
    Return a token that shows the progress of this one task and nothing else.

    It carries the words of the piece, so that each answer repeats them.
    """
    return dumps([task_id, words], salt=PIECE_SALT)


def words_from_token(token: str, task_id: str) -> dict[str, Any] | None:
    """Return the words in a piece's token, or None if it is for another task or older than a day."""
    try:
        signed_id, words = loads(token, salt=PIECE_SALT, max_age=MAX_AGE)
    except BadSignature:
        return None
    return dict(words) if signed_id == task_id else None
