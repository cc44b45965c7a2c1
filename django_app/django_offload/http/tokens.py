"""Signed tokens: whoever bears one may read the status of one task for a day."""

from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner

LIFE = timedelta(hours=24)
SALT = "django_offload.http.token"


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
