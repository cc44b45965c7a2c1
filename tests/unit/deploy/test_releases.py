"""Where packages are kept: in a bucket of this account, and in no other."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.deploy.errors import BucketTaken
from django_offload.deploy.releases import Releases

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
            if status != 200 and name not in {"create_bucket", "put_public_access_block"}:
                raise ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, name)
            self.done.append(name)

        return call


def releases_in(s3: S3) -> Releases:
    return Releases(SimpleNamespace(account=ACCOUNT, region="eu-west-1", client=lambda name: s3), "shop-dev")


def test_a_bucket_that_somebody_else_made_under_our_name_gets_no_code():
    s3 = S3(STRANGER)

    with pytest.raises(BucketTaken, match="shop-dev-code-111122223333-eu-west-1"):
        releases_in(s3).make_bucket()
    assert s3.done == []


def test_what_is_uploaded_goes_to_our_own_bucket_alone():
    taken = S3(STRANGER)

    for put in (releases_in(taken).put_template, releases_in(taken).read):
        with pytest.raises(ClientError):
            put("text")
    assert taken.done == []


@pytest.mark.parametrize(
    ("owner", "done"), [(ACCOUNT, ["head_bucket"]), (None, ["create_bucket", "put_public_access_block"])]
)
def test_our_own_bucket_is_made_once(owner, done):
    s3 = S3(owner)

    releases_in(s3).make_bucket()

    assert s3.done == done
