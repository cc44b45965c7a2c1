"""One row for each task that is committed but not sent."""

from django.db import models


class OutboxEntry(models.Model):
    """Created in the caller's transaction, and deleted after its task was sent."""

    id = models.CharField(primary_key=True, max_length=32)  # The task's id.
    alias = models.CharField(max_length=100)  # In TASKS.
    birth = models.TextField(help_text="JSON text of what enqueue() was given.")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return self.id
