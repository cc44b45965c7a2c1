"""The credentials of a deployment: the same for the stack and for the web side, and checked first."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BadStage, WrongAccount
from ..zappa_settings import FILE
from .aws import AWS, is_local


def profile_of(settings: Mapping[str, Any]) -> str | None:
    """
    Return the profile that Zappa's settings of a stage name, or None for AWS's standard means.

    Zappa deploys the web side with that profile, whatever the environment says. So the stack is deployed with
    it too. Local AWS has credentials of its own.
    """
    return None if is_local() else settings.get("profile_name") or None


def check_credentials(region: str, settings: Mapping[str, Any], root: Path) -> AWS:
    """
    Return the AWS to deploy to.

    Raise BadStage if the stage names a profile that this machine lacks, WrongAccount if the environment names
    credentials of another account. Zappa's setting and the environment then disagree about the place.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

    profile = profile_of(settings)
    aws = AWS(region, profile)
    if profile is None:
        return aws
    try:
        account = aws.account
    except ProfileNotFound as exc:
        raise BadStage(
            root / FILE,
            f"'profile_name' is '{profile}', and this machine has no such profile.",
            "Add it to ~/.aws/config, or remove 'profile_name' to use the credentials of the environment.",
        ) from exc
    named = named_by_environment(profile)
    if named is not None:
        try:
            other = AWS(region).account
        except (BotoCoreError, ClientError):
            return aws  # Nobody can have meant credentials that don't work.
        if other != account:
            raise WrongAccount(FILE, profile, account, named, other)
    return aws


def named_by_environment(profile: str) -> str | None:
    """Return the variable that names other credentials than those of the profile, or None."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return "AWS_ACCESS_KEY_ID"
    # boto3's order. Pipelines name a role by a token instead.
    if named := os.environ.get("AWS_DEFAULT_PROFILE"):
        return "AWS_DEFAULT_PROFILE" if named != profile else None
    if named := os.environ.get("AWS_PROFILE"):
        return "AWS_PROFILE" if named != profile else None
    return "AWS_ROLE_ARN" if os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") else None
