"""One row for each effect that has happened."""

from django.db import models


class Effect(models.Model):
    """Created in the transaction of the effect, so that both exist or neither."""

    # The task's id (32 characters), a colon, and a digest (64 characters) of the task's key.
    id = models.CharField(primary_key=True, max_length=97)
    result = models.TextField(help_text="JSON text of what the function returned.")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "effect"

    def __str__(self) -> str:
        return self.id
