"""Fill the shop with orders."""

from argparse import ArgumentParser
from time import monotonic

from django.core.management.base import BaseCommand, CommandError

from lab import seeding


class Command(BaseCommand):
    help = "Add orders until the shop has N of them: manage.py seed_orders --orders 1000000"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--orders", type=int, default=seeding.FIRST_RUN, help="How many orders the shop will have."
        )

    def handle(self, *args: object, orders: int, **options: object) -> None:
        if orders < 1:
            raise CommandError("--orders must be 1 or more.", returncode=2)
        started = monotonic()
        added = seeding.seed(orders, self.show_progress)
        if added:
            self.stdout.write(f"\nAdded {added:,} orders in {monotonic() - started:.1f} s.")
        else:
            self.stdout.write(f"The shop already has {seeding.seeded():,} orders, so nothing was added.")

    def show_progress(self, done: int, total: int) -> None:
        # A terminal gets one line that is rewritten. A log gets a new line after every tenth of the work.
        if self.stdout.isatty():
            self.stdout.write(f"\r  {done:>9,} of {total:,} orders", ending="")
            self.stdout.flush()
        elif done == total or done * 10 // total != (done - seeding.BATCH) * 10 // total:
            self.stdout.write(f"  {done:>9,} of {total:,} orders")
