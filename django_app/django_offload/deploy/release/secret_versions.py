"""The versions of a stage's secrets. Functions that read older ones must be started again."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import batched

from ...stack.stage_environment import SSM, parse_secret_reference
from .aws import AWS

# How many names one filter of Systems Manager's DescribeParameters accepts:
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
MOST_NAMES = 50


def fingerprint(aws: AWS, secrets: Mapping[str, str]) -> str | None:
    """
    Return a hash of the secrets' versions, which changes whenever one of them gets a new version.

    This reads versions only, no values. Return None if AWS denies that.
    """
    from botocore.exceptions import ClientError

    references = sorted(set(secrets.values()))
    names_by_service: dict[str, list[str]] = {}
    for service, name in sorted(set(map(parse_secret_reference, references))):
        names_by_service.setdefault(service, []).append(name)
    try:
        versions = sorted(
            (service, name, version)
            for service, names in names_by_service.items()
            for name, version in (parameter_versions if service == SSM else secret_versions)(aws, names)
        )
    except ClientError:
        return None
    return hashlib.sha256(json.dumps([references, versions]).encode()).hexdigest()[:12]


def parameter_versions(aws: AWS, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each of these Systems Manager parameters that exists."""
    paginator = aws.client("ssm").get_paginator("describe_parameters")
    for batch in batched(names, MOST_NAMES):
        filters = [{"Key": "Name", "Option": "Equals", "Values": list(batch)}]
        for page in paginator.paginate(ParameterFilters=filters):
            for parameter in page["Parameters"]:
                yield parameter["Name"], str(parameter["Version"])


def secret_versions(aws: AWS, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and current version of each of these Secrets Manager secrets that exists."""
    client = aws.client("secretsmanager")
    for name in names:
        try:
            stages = client.describe_secret(SecretId=name).get("VersionIdsToStages", {})
        except client.exceptions.ResourceNotFoundException:
            continue  # The functions report a missing secret when they start.
        yield from ((name, version) for version, labels in stages.items() if "AWSCURRENT" in labels)
