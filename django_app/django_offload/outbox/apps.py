"""The app that OPTIONS["outbox"] needs in INSTALLED_APPS."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """One table of tasks that are committed but not sent."""

    name = "django_offload.outbox"
    label = "offload_outbox"
    verbose_name = "Outbox of offloaded tasks"
    default_auto_field = "django.db.models.BigAutoField"
