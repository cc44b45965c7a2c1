"""Keys in SECRET_KEY_FALLBACKS that are older than any message, by the dates of where they are stored."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from ...protocol.record import RECORD_LIFE
from ...stack.stage_environment import SSM, parse_secret_reference
from ..likely_credentials import WORD
from .aws import AWS


def fallback_warnings(aws: AWS, secrets: Mapping[str, str], now: datetime) -> Iterator[str]:
    """
    Yield a warning for each variable of a stage's secrets whose fallback keys no message can need.

    Only dates are read, no values. Yield nothing where AWS denies that.
    """
    for variable, reference in sorted(secrets.items()):
        words = {word.lower() for word in WORD.findall(variable)}
        if not words & {"fallback", "fallbacks"}:
            continue
        changed_at = last_changed(aws, *parse_secret_reference(reference))
        if changed_at is not None and now - changed_at > RECORD_LIFE:
            yield (
                f"{variable} was last changed on {changed_at:%Y-%m-%d}, and no message is older than "
                f"{RECORD_LIFE.days} days. Remove its keys, because whoever has one of them can sign "
                "messages."
            )


def last_changed(aws: AWS, service: str, name: str) -> datetime | None:
    """Return when a secret last got a value, or None if AWS doesn't say."""
    from botocore.exceptions import ClientError

    changed_at: datetime | None
    try:
        if service == SSM:
            filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
            pages = aws.client("ssm").get_paginator("describe_parameters").paginate(ParameterFilters=filters)
            dates = [parameter["LastModifiedDate"] for page in pages for parameter in page["Parameters"]]
            changed_at = dates[0] if dates else None
        else:
            changed_at = aws.client("secretsmanager").describe_secret(SecretId=name).get("LastChangedDate")
    except ClientError:
        return None
    return changed_at
