"""A source that lets itself be asked twice in vain: something honest to fail and to be tried again."""

RATES = {"USD": "1.0842", "GBP": "0.8561", "CHF": "0.9483", "JPY": "163.72", "SEK": "11.412"}
ATTEMPTS = 3
# The third choice of the page is more than there are attempts: the task then fails for good.
FAILURES = (0, 2, ATTEMPTS)


class RatesMissing(LookupError):
    """The file of rates is not there yet."""

    def __init__(self, attempt: int) -> None:
        super().__init__(f"The file of exchange rates was not there on attempt {attempt}. Try again later.")


def fetch_rates(attempt: int, failures: int) -> dict[str, str]:
    """Return the rates. Raise RatesMissing on the first `failures` attempts."""
    if attempt <= failures:
        raise RatesMissing(attempt)
    return RATES
