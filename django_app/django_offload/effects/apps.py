"""The app that context.atomic() needs in INSTALLED_APPS."""

from django.apps import AppConfig


class EffectsConfig(AppConfig):
    """One table of markers."""

    name = "django_offload.effects"
    label = "offload_effects"
    verbose_name = "Effects of offloaded tasks"
    default_auto_field = "django.db.models.BigAutoField"
