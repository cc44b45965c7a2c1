"""What was deployed, and with what: packages, templates and releases, in a bucket of the stack."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...stack.statements import deny_without_tls
from ..errors import BucketTaken, NotDeployed
from ..package.archive import Archive
from .aws import AWS

CURRENT = "releases/current"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One deployment: all that it takes to make it again."""

    id: str
    stage: str
    code_key: str
    template_key: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    previous: str | None = None

    @property
    def key(self) -> str:
        return f"releases/{self.id}.json"

    def does_as(self, other: "Release") -> bool:
        """Return whether the other one deploys the same: code, template and parameters."""
        return replace(other, id=self.id, previous=self.previous) == self


class Releases:
    """The releases of one stack."""

    def __init__(self, aws: AWS, stack: str) -> None:
        self._aws, self.stack = aws, stack
        self._s3 = aws.client("s3")
        # By this look alone: what goes again when nothing comes of it.
        self._made_bucket, self._put = False, list[str]()

    @property
    def bucket(self) -> str:
        return f"{self.stack}-code-{self._aws.account}-{self._aws.region}"

    @property
    def _ours(self) -> dict[str, str]:
        """The bucket, on the condition that it is this account's: its name can be guessed, and taken."""
        return {"Bucket": self.bucket, "ExpectedBucketOwner": self._aws.account}

    def make_bucket(self) -> None:
        """
        Create the bucket unless it is there: private, by TLS alone, encrypted by S3's own means.

        Raise BucketTaken if it is there and does not let this account in, or is another's.
        """
        try:
            self._s3.head_bucket(**self._ours)
        except self._s3.exceptions.ClientError as exc:
            status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 403:
                raise BucketTaken(self.bucket) from exc
            if status != 404:
                raise
        else:
            return
        # us-east-1 is the one region that may not be named as a constraint.
        where = {"CreateBucketConfiguration": {"LocationConstraint": self._aws.region}}
        self._s3.create_bucket(Bucket=self.bucket, **({} if self._aws.region == "us-east-1" else where))
        self._made_bucket = True
        block = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        self._s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=block)
        if not self._aws.is_this_machine:  # Which takes the denial without its condition.
            self._s3.put_bucket_policy(**self._ours, Policy=json.dumps(self._policy()))
        # Releases are kept, for one may be gone back to; what an upload that broke off left is of no use.
        rule = {
            "ID": "broken-uploads",
            "Status": "Enabled",
            "Filter": {},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        self._s3.put_bucket_lifecycle_configuration(**self._ours, LifecycleConfiguration={"Rules": [rule]})

    def _policy(self) -> dict[str, object]:
        """Return what keeps everybody out who does not come by TLS."""
        region = self._aws.region
        other = next((part for part in ("cn", "us-gov") if region.startswith(f"{part}-")), None)
        arn = f"arn:aws{f'-{other}' if other else ''}:s3:::{self.bucket}"
        return {"Version": "2012-10-17", "Statement": [deny_without_tls("s3:*", [arn, f"{arn}/*"])]}

    def put_package(self, package: Archive, sent: Callable[[int], object] | None = None) -> str:
        """
        Upload a package unless its like is there; return its key, named after its content.

        `sent` is told, from threads of the upload, how many bytes more have left.
        """
        key = code_key(package)
        if not self._has(key):
            owner = {"ExpectedBucketOwner": self._aws.account}
            self._s3.upload_file(str(package.path), self.bucket, key, ExtraArgs=owner, Callback=sent)
        return key

    def put_template(self, text: str) -> str:
        """Upload a template unless its like is there; return its key, named after its content."""
        key = f"templates/{hashlib.sha256(text.encode()).hexdigest()}.yaml"
        if not self._has(key):
            self._s3.put_object(**self._ours, Key=key, Body=text.encode())
            self._put.append(key)
        return key

    def forget(self) -> None:
        """Take away what was put there to look at a change that was not made."""
        for key in self._put:
            self._s3.delete_object(**self._ours, Key=key)
        if self._made_bucket:
            empty(self._s3, self.bucket)
        self._made_bucket, self._put = False, []

    def url(self, key: str) -> str:
        """Return the address by which CloudFormation reads an object."""
        return f"https://{self.bucket}.s3.{self._aws.region}.{self._aws.domain}/{key}"

    def current(self) -> Release | None:
        """Return what was deployed last, None before the first time."""
        said = self._get(CURRENT)
        return None if said is None else self.read(said.decode())

    def read(self, release_id: str) -> Release:
        """Return a release by its id. Raise NotDeployed if it is not there."""
        said = self._get(f"releases/{release_id}.json")
        if said is None:
            raise NotDeployed(self.stack, f"has no release {release_id}", "Deploy instead of rolling back.")
        given: dict[str, Any] = json.loads(said)
        return Release(**given)

    def record(self, release: Release) -> None:
        """Make `release` the current one."""
        body = json.dumps(asdict(release), indent=2, default=dict).encode()
        self._s3.put_object(**self._ours, Key=release.key, Body=body)
        self._s3.put_object(**self._ours, Key=CURRENT, Body=release.id.encode())

    def new_id(self, code_key: str, now: datetime | None = None) -> str:
        return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{Path(code_key).stem[:8]}"

    def are_there(self) -> bool:
        """Return whether the bucket is there, and this account's."""
        try:
            self._s3.head_bucket(**self._ours)
        except self._s3.exceptions.ClientError:
            return False
        return True

    def delete(self) -> None:
        """Delete the bucket with all that is in it."""
        empty(self._s3, self.bucket)

    def _has(self, key: str) -> bool:
        try:
            self._s3.head_object(**self._ours, Key=key)
        except self._s3.exceptions.ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return False
        return True

    def _get(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(**self._ours, Key=key)["Body"].read()
        except (self._s3.exceptions.NoSuchKey, self._s3.exceptions.NoSuchBucket):
            return None
        return body


def code_key(package: Archive) -> str:
    return f"code/{package.sha256}.zip"


def digest(parameters: Mapping[str, str]) -> str:
    """Return a mark of parameters, the key of the code among them: the same for the same."""
    return hashlib.sha256(json.dumps(dict(parameters), sort_keys=True).encode()).hexdigest()[:16]


def empty(s3: Any, bucket: str) -> None:
    """Delete a bucket and every object in it; do nothing if it is not there."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=found["Key"])
        s3.delete_bucket(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:
        return
