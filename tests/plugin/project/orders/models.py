"""The models of the shop."""

from django.db import models


class Receipt(models.Model):
    """One receipt of an order."""

    order = models.IntegerField()

    def __str__(self):
        return f"receipt of {self.order}"
