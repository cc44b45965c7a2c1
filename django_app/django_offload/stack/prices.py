"""List prices of AWS in dollars, by region, before free tiers, discounts and taxes."""

from collections.abc import Mapping
from dataclasses import dataclass

# The date of these prices, and where AWS publishes them, on one page per service.
AS_OF = "2026-11-22"
SOURCE = "https://aws.amazon.com/pricing/ (SQS, Lambda, DynamoDB, CloudWatch, KMS; on demand)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The price of one unit of each service."""

    queue_request: float = 0.40e-6  # Of a standard queue, after the first million in a month.
    invocation: float = 0.20e-6
    gigabyte_second: float = 0.0000166667  # On x86_64. arm64 costs a fifth less.
    write_unit: float
    read_unit: float
    alarm: float = 0.10  # For a month, as are the next three.
    dashboard: float = 3.00
    metric: float = 0.30
    key: float = 1.00
    key_request: float = 0.03e-4
    log_gigabyte: float


PRICES: Mapping[str, Prices] = {
    "us-east-1": Prices(write_unit=0.625e-6, read_unit=0.125e-6, log_gigabyte=0.50),
    "eu-central-1": Prices(write_unit=0.7625e-6, read_unit=0.1525e-6, log_gigabyte=0.63),
}
# An hour of one poller in us-east-1, of a queue with pollers of its own. AWS's page names no other region:
# https://aws.amazon.com/lambda/pricing/ (Provisioned Mode for SQS ESM).
POLLER_HOUR = 0.00925
