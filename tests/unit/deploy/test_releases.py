"""Where packages are kept: in a bucket of this account, and in no other."""

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
    """One bucket that lets everybody in, as one does whose owner waits for the code of others."""

    exceptions = SimpleNamespace(ClientError=ClientError, NoSuchKey=KeyError, NoSuchBucket=KeyError)

    def __init__(self, owner: str | None) -> None:
        self.owner, self.done = owner, []

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **asked: Any) -> None:
            expected = asked.get("ExpectedBucketOwner") or asked.get("ExtraArgs", {}).get(
                "ExpectedBucketOwner"
            )
            status = 404 if self.owner is None else 403 if expected not in {None, self.owner} else 200
            if status != 200 and name not in {"create_bucket", "put_public_access_block", *SET}:
                raise ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, name)
            self.done.append(name)

        return call


def releases_in(s3: S3, region: str = "eu-west-1", *, local: bool = False) -> Releases:
    aws = SimpleNamespace(account=ACCOUNT, region=region, client=lambda name: s3, is_local=local)
    return Releases(aws, "shop-dev")


def test_a_bucket_that_somebody_else_made_under_our_name_gets_no_code():
    s3 = S3(STRANGER)

    with pytest.raises(BucketTaken, match="shop-dev-code-111122223333-eu-west-1"):
        releases_in(s3).make_bucket()
    assert s3.done == []


def test_what_is_uploaded_goes_to_our_own_bucket_alone():
    taken = S3(STRANGER)

    for put in (releases_in(taken).put_template, releases_in(taken).get):
        with pytest.raises(ClientError):
            put("text")
    assert taken.done == []


@pytest.mark.parametrize(
    ("owner", "done"),
    [(ACCOUNT, ["head_bucket"]), (None, ["create_bucket", "put_public_access_block", *SET])],
)
def test_our_own_bucket_is_made_once(owner, done):
    s3 = S3(owner)

    releases_in(s3).make_bucket()

    assert s3.done == done


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_our_own_bucket_is_reached_by_tls_alone(region, partition):
    s3, given = S3(None), []
    s3.put_bucket_policy = lambda **asked: given.append(json.loads(asked["Policy"]))

    releases_in(s3, region).make_bucket()
    releases_in(s3, region, local=True).make_bucket()  # A stand-in would let nobody in.

    (policy,) = given
    (statement,) = policy["Statement"]
    bucket = f"arn:{partition}:s3:::shop-dev-code-{ACCOUNT}-{region}"
    assert (statement["Effect"], statement["Resource"]) == ("Deny", [bucket, f"{bucket}/*"])
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
