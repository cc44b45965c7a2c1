"""Packages are stored in a bucket of this account, and never in another account's."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.deploy.errors import BucketTaken
from django_offload.deploy.release.releases import Releases

SET = ("put_bucket_policy", "put_bucket_lifecycle_configuration")
ACCOUNT, STRANGER = "111122223333", "999988887777"


class S3:
    """A bucket that admits everybody, as an attacker's bucket would."""

    exceptions = SimpleNamespace(ClientError=ClientError, NoSuchKey=KeyError, NoSuchBucket=KeyError)

    def __init__(self, owner: str | None) -> None:
        self.owner, self.calls = owner, []

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **arguments: Any) -> None:
            expected = arguments.get("ExpectedBucketOwner") or arguments.get("ExtraArgs", {}).get(
                "ExpectedBucketOwner"
            )
            status = 404 if self.owner is None else 403 if expected not in {None, self.owner} else 200
            if status != 200 and name not in {"create_bucket", "put_public_access_block", *SET}:
                raise ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, name)
            self.calls.append(name)

        return call


def releases_in(s3: S3, region: str = "eu-west-1", *, local: bool = False) -> Releases:
    aws = SimpleNamespace(account=ACCOUNT, region=region, client=lambda name: s3, is_local=local)
    return Releases(aws, "shop-dev")


def test_a_bucket_of_another_account_is_refused():
    s3 = S3(STRANGER)

    with pytest.raises(BucketTaken, match="shop-dev-code-111122223333-eu-west-1"):
        releases_in(s3).make_bucket()
    assert s3.calls == []


def test_uploads_and_reads_require_our_own_bucket():
    s3 = S3(STRANGER)

    for put in (releases_in(s3).put_template, releases_in(s3).get):
        with pytest.raises(ClientError):
            put("text")
    assert s3.calls == []


@pytest.mark.parametrize(
    ("owner", "calls"),
    [(ACCOUNT, ["head_bucket"]), (None, ["create_bucket", "put_public_access_block", *SET])],
)
def test_the_bucket_is_created_unless_it_exists(owner, calls):
    s3 = S3(owner)

    releases_in(s3).make_bucket()

    assert s3.calls == calls


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_bucket_requires_tls(region, partition):
    s3, policies = S3(None), []
    s3.put_bucket_policy = lambda **arguments: policies.append(json.loads(arguments["Policy"]))

    releases_in(s3, region).make_bucket()
    releases_in(s3, region, local=True).make_bucket()  # Local AWS would admit nobody.

    (policy,) = policies
    (statement,) = policy["Statement"]
    bucket = f"arn:{partition}:s3:::shop-dev-code-{ACCOUNT}-{region}"
    assert (statement["Effect"], statement["Resource"]) == ("Deny", [bucket, f"{bucket}/*"])
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
