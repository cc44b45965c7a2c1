"""A source of exchange rates that fails on purpose, so that visitors can watch failures and retries."""

RATES = {"USD": "1.0842", "GBP": "0.8561", "CHF": "0.9483", "JPY": "163.72", "SEK": "11.412"}
ATTEMPTS = 3
# With the third choice, every attempt fails, and so does the task.
FAILURES = (0, 2, ATTEMPTS)


class RatesMissing(LookupError):
    """The file of exchange rates doesn't exist yet."""

    def __init__(self, attempt: int) -> None:
        super().__init__(f"The file of exchange rates was not there on attempt {attempt}. Try again later.")


def fetch_rates(attempt: int, failures: int) -> dict[str, str]:
    """Return the rates. Raise RatesMissing on the first `failures` attempts."""
    if attempt <= failures:
        raise RatesMissing(attempt)
    return RATES
