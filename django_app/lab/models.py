"""The shop whose sales are reported."""

from django.db import models


class Region(models.Model):
    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    name = models.CharField(max_length=60, unique=True)
    category = models.CharField(max_length=40)
    price = models.PositiveIntegerField(help_text="Cents.")

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """One order line. Ids start at 1 without gaps, so "the first N orders" is a range of primary keys."""

    placed_on = models.DateField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, db_index=False)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, db_index=False)
    customer = models.PositiveIntegerField()
    quantity = models.PositiveSmallIntegerField()
    amount = models.PositiveIntegerField(help_text="Cents, after discount.")

    def __str__(self) -> str:
        return f"Order {self.pk}"
