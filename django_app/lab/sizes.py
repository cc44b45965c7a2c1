"""How many orders a report may take, and which way the task goes: the choices of the page."""

from dataclasses import dataclass

from django import forms
from django.utils.functional import cached_property

from .seeding import FIRST_RUN, seeded

SIZES = tuple(sorted({50_000, FIRST_RUN, 1_000_000, 3_000_000}))
# Aliases of TASKS, in words.
BACKENDS = {"default": "an SQS queue", "direct": "Lambda, invoked asynchronously"}


@dataclass(frozen=True, slots=True)
class Size:
    """One choice; not available before so many orders are seeded."""

    orders: int
    available: bool
    chosen: bool


def sizes(chosen: int = FIRST_RUN, known: int | None = None) -> list[Size]:
    """Return the choices, telling those that the shop, which has `known` orders, has too few for."""
    known = seeded() if known is None else known
    return [Size(orders, orders <= known, orders == chosen) for orders in SIZES]


class SizeForm(forms.Form):
    """How many orders a report may take."""

    orders = forms.TypedChoiceField(coerce=int, choices=[(size, size) for size in SIZES])

    @cached_property
    def known(self) -> int:
        """How many orders the shop has: asked once, for an answer is short of time."""
        return seeded()

    def clean_orders(self) -> int:
        """Raise ValidationError if the shop has fewer orders."""
        orders: int = self.cleaned_data["orders"]
        if orders > self.known:
            raise forms.ValidationError(
                f"The shop has {self.known:,} orders. Make more: manage.py seed_orders --orders {orders}."
            )
        return orders

    @property
    def problem(self) -> str:
        """The first thing wrong, in one sentence."""
        return str(next(iter(next(iter(self.errors.values())))))


class ReportForm(SizeForm):
    """What is posted to start a report."""

    backend = forms.ChoiceField(choices=list(BACKENDS.items()), required=False)

    def clean_backend(self) -> str:
        return self.cleaned_data["backend"] or "default"
