"""The settings of mail, which differ in each version of Django."""

from typing import Any

from django import VERSION

MEMORY = "django.core.mail.backends.locmem.EmailBackend"


def mail_settings(admin: str) -> dict[str, Any]:
    """Return settings with which mails, and those to one admin, stay in memory."""
    mailers = (
        {"MAILERS": {"default": {"BACKEND": MEMORY}}} if VERSION >= (6, 1) else {"EMAIL_BACKEND": MEMORY}
    )
    return {"ADMINS": [admin if VERSION >= (6, 0) else ("Admin", admin)], **mailers}
