"""What ends a day of a sample site."""

from celery import chain

from .tasks import fee, remind


def close(number):
    chain(fee.s(number), remind.s()).delay()
