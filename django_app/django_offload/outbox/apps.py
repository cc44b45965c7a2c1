"""The app to put into INSTALLED_APPS for OPTIONS["outbox"]."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """One table of tasks that are committed and not sent yet."""

    name = "django_offload.outbox"
    label = "offload_outbox"
    verbose_name = "Outbox of offloaded tasks"
    default_auto_field = "django.db.models.BigAutoField"
