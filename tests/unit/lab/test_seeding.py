"""Orders are the same on every machine, and however many steps create them."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from lab import seeding
from lab.models import Order, Product, Region

pytestmark = pytest.mark.django_db

ROW = ("placed_on", "product_id", "region_id", "customer", "quantity", "amount")


def row(pk: int) -> tuple[object, ...]:
    return Order.objects.values_list(*ROW).get(pk=pk)


def test_a_batch_is_the_same_every_time():
    once, again = list(seeding.batch(20_000)), list(seeding.batch(20_000))

    assert once == again
    assert once[0] == (20_001, "2024-11-09", 13, 4, 10_213, 1, 450)


def test_more_orders_are_added_to_existing_ones():
    assert seeding.seed(150) == 150
    first = list(Order.objects.order_by("pk").values_list("pk", *ROW))

    assert seeding.seed(10_020) == 9_870

    assert list(Order.objects.order_by("pk").values_list("pk", *ROW)[:150]) == first
    assert Order.objects.count() == seeding.seeded() == 10_020


def test_steps_do_not_change_the_orders():
    seeding.seed(7)
    seeding.seed(90)
    in_steps = [row(pk) for pk in (1, 7, 8, 90)]
    Order.objects.all().delete()

    seeding.seed(90)

    assert [row(pk) for pk in (1, 7, 8, 90)] == in_steps


def test_fewer_than_there_are_adds_nothing():
    seeding.seed(50)

    assert seeding.seed(20) == 0
    assert seeding.seeded() == 50


def test_every_order_is_of_the_catalogue():
    seeding.seed(500)

    assert Product.objects.count() == 24
    assert Region.objects.count() == 6
    assert not Order.objects.exclude(product__in=Product.objects.all(), region__in=Region.objects.all())
    assert not Order.objects.filter(amount=0).exists()


def test_the_command_shows_its_progress_and_how_many_orders_it_added():
    out = StringIO()

    call_command("seed_orders", orders=120, stdout=out)
    call_command("seed_orders", orders=120, stdout=out)

    assert "120 of 120 orders" in out.getvalue()
    assert "Added 120 orders in" in out.getvalue()
    assert "The shop already has 120 orders, so nothing was added." in out.getvalue()


def test_the_command_refuses_no_orders():
    with pytest.raises(CommandError, match="--orders must be 1 or more"):
        call_command("seed_orders", orders=0)


def test_a_slow_or_quick_machine_may_offer_another_number_of_orders():
    program = "import django; django.setup(); from lab.sizes import SIZES, sizes; print(SIZES)"
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "LAB_ORDERS": "120000",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert output.strip() == "(50000, 120000, 1000000, 3000000)"
