"""A row per task that is committed and not sent yet."""

from django.db import models


class OutboxEntry(models.Model):
    """Written in the caller's transaction, deleted when its task was sent."""

    id = models.CharField(primary_key=True, max_length=32)  # Of the task.
    alias = models.CharField(max_length=100)  # Of TASKS.
    birth = models.TextField(help_text="JSON text of what enqueue() was given.")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return self.id
