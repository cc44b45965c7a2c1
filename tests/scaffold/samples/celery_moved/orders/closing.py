"""What ends a day of a sample site."""

from .tasks import fee, remind


def close(number):
    remind.delay(fee.call(number))
