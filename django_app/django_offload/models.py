"""A model without a table. Its permissions decide which staff may see all tasks and act on them."""

from django.db import models


class Task(models.Model):
    """A task in DynamoDB, as the admin and Django's permissions see it."""

    id = models.CharField(primary_key=True, max_length=32)

    class Meta:
        managed = False
        default_permissions = ("view",)
        permissions = (
            ("cancel_task", "Can cancel task"),
            ("retry_task", "Can retry failed task"),
            ("redrive_task", "Can redrive dead letter"),
            ("discard_task", "Can discard failed task"),
            ("view_message_body", "Can view the body of an unreadable message"),
            ("pause_schedule", "Can pause schedule"),
            ("resume_schedule", "Can resume schedule"),
            ("run_schedule", "Can run schedule now"),
        )
        verbose_name = "task"

    def __str__(self) -> str:
        return str(self.pk)
