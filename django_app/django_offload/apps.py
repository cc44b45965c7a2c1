"""The app to put into INSTALLED_APPS."""

from django.apps import AppConfig


class DjangoOffloadConfig(AppConfig):
    """Registers the system checks."""

    name = "django_offload"
    verbose_name = "Offloaded tasks"

    def ready(self) -> None:
        """Register what `manage.py check` looks at beyond each backend's own check."""
        from . import checks

        checks.register()
