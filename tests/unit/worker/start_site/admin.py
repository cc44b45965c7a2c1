"""The product's page for staff."""

from django.contrib import admin

from .models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Lists where each is shown."""

    list_display = ("title", "where")

    @admin.display(description="Where it is shown")
    def where(self, product: Product) -> str:
        """Return its address."""
        return product.get_absolute_url()
