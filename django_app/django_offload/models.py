"""No table: a model whose permission says which staff may see everybody's tasks."""

from django.db import models


class Task(models.Model):
    """A task in DynamoDB, for Django's permissions."""

    id = models.CharField(primary_key=True, max_length=32)

    class Meta:
        managed = False
        default_permissions = ("view",)
        permissions = (("cancel_task", "Can cancel task"),)
        verbose_name = "task"

    def __str__(self) -> str:
        return str(self.pk)
