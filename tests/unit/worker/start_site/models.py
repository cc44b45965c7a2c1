"""A model with what models have of pages: an address."""

from django.db import models
from django.urls import reverse


class Product(models.Model):
    """Something to sell."""

    title = models.CharField(max_length=20)

    class Meta:
        app_label = "start_site"

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.pk])
