"""Payloads in the stack's S3 bucket."""

from collections.abc import Iterator
from functools import lru_cache

from ..aws import client
from ..conf import BUCKET_OF_STACK, ENV_BUCKET, Options
from ..exceptions import PayloadLost
from .base import Payloads, StoredObject


class S3Payloads(Payloads):
    """Stores payloads in one bucket per stack."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def put(self, key: str, data: bytes) -> None:
        client("s3").put_object(Bucket=self.bucket, Key=key, Body=data)

    def get(self, key: str) -> bytes | None:
        s3 = client("s3")
        try:
            data: bytes = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        except s3.exceptions.ClientError as exc:
            # S3 also denies access to a missing key if the role may not list the bucket.
            if exc.response["Error"]["Code"] == "AccessDenied":
                denied = "gone, or denied to this role (s3:GetObject, kms:Decrypt)"
                raise PayloadLost(key, denied, retryable=True) from exc
            raise
        return data

    def delete(self, key: str) -> None:
        client("s3").delete_object(Bucket=self.bucket, Key=key)

    def objects_under(self, prefix: str) -> Iterator[StoredObject]:
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                yield StoredObject(key=entry["Key"], size=entry["Size"], stored_at=entry["LastModified"])


def bucket_name(options: Options) -> str | None:
    """Return the bucket's name from OPTIONS, the environment, or account and region, or None."""
    if options.bucket != BUCKET_OF_STACK:
        return options.bucket
    sts = client("sts")
    return options.environment(ENV_BUCKET) or (
        f"{options.stack}-payloads-{account_id(sts.meta.endpoint_url)}-{sts.meta.region_name}"
    )


@lru_cache(maxsize=8)
def account_id(endpoint: str) -> str:
    """Return the AWS account in use at an endpoint, which is looked up once per process."""
    return str(client("sts").get_caller_identity()["Account"])
