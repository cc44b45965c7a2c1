"""Which versions of a stage's secrets there are now: functions that have read others must be started anew."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import batched

from ...stack.stage_environment import SSM, parse_secret_reference
from .aws import AWS

# What one filter of Systems Manager's DescribeParameters takes:
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
MOST_NAMES = 50


def fingerprint(aws: AWS, secrets: Mapping[str, str]) -> str | None:
    """
    Return a name for the secrets as they are now: another one where any has another version.

    Versions alone are asked for, no value. Return None where whoever deploys may not know them.
    """
    from botocore.exceptions import ClientError

    references = sorted(set(secrets.values()))
    by_service: dict[str, list[str]] = {}
    for service, name in map(parse_secret_reference, references):
        by_service.setdefault(service, []).append(name)
    try:
        found = sorted(
            (service, name, version)
            for service, names in by_service.items()
            for name, version in (_parameters if service == SSM else _managed)(aws, names)
        )
    except ClientError:
        return None
    return hashlib.sha256(json.dumps([references, found]).encode()).hexdigest()[:12]


def _parameters(aws: AWS, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield names and versions of Systems Manager's parameters that are there."""
    pages = aws.client("ssm").get_paginator("describe_parameters")
    for some in batched(names, MOST_NAMES):
        wanted = [{"Key": "Name", "Option": "Equals", "Values": list(some)}]
        for page in pages.paginate(ParameterFilters=wanted):
            for said in page["Parameters"]:
                yield said["Name"], str(said["Version"])


def _managed(aws: AWS, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield names and current versions of Secrets Manager's secrets that are there."""
    client = aws.client("secretsmanager")
    for name in names:
        try:
            stages = client.describe_secret(SecretId=name).get("VersionIdsToStages", {})
        except client.exceptions.ResourceNotFoundException:
            continue  # The functions say so when they start.
        yield from ((name, version) for version, labels in stages.items() if "AWSCURRENT" in labels)
