"""The choices of the page: how many orders a report covers, and which backend runs the task."""

from dataclasses import dataclass

from django import forms
from django.utils.functional import cached_property

from .seeding import FIRST_RUN, seeded

SIZES = tuple(sorted({50_000, FIRST_RUN, 1_000_000, 3_000_000}))
# Labels for the aliases of TASKS.
BACKENDS = {"default": "an SQS queue", "direct": "Lambda, invoked asynchronously"}


@dataclass(frozen=True, slots=True)
class Size:
    """One choice. It is available if the shop has that many orders."""

    orders: int
    available: bool
    chosen: bool


def sizes(chosen: int = FIRST_RUN, seeded_orders: int | None = None) -> list[Size]:
    """Return the choices for a shop with `seeded_orders` orders. Without that number, count them."""
    seeded_orders = seeded() if seeded_orders is None else seeded_orders
    return [Size(orders, orders <= seeded_orders, orders == chosen) for orders in SIZES]


class SizeForm(forms.Form):
    """How many orders a report covers."""

    orders = forms.TypedChoiceField(coerce=int, choices=[(size, size) for size in SIZES])

    @cached_property
    def seeded_orders(self) -> int:
        """The number of orders in the shop. It is counted once, because a response has little time."""
        return seeded()

    def clean_orders(self) -> int:
        """Raise ValidationError if the shop has fewer orders."""
        orders: int = self.cleaned_data["orders"]
        if orders > self.seeded_orders:
            raise forms.ValidationError(
                f"The shop has only {self.seeded_orders:,} orders. Create more: "
                f"manage.py seed_orders --orders {orders}."
            )
        return orders

    @property
    def first_error(self) -> str:
        return str(next(iter(next(iter(self.errors.values())))))


class ReportForm(SizeForm):
    """The form that starts a report."""

    backend = forms.ChoiceField(choices=list(BACKENDS.items()), required=False)

    def clean_backend(self) -> str:
        return self.cleaned_data["backend"] or "default"
