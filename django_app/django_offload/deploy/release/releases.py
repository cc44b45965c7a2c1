"""The bucket of a stack, which stores its packages, its templates and the releases made of them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...stack import read_template
from ...stack.statements import deny_without_tls
from ..errors import BucketTaken, NotDeployed
from ..package.archive import Archive
from .aws import AWS

CURRENT_KEY = "releases/current"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One deployment, with everything that is needed to repeat it."""

    id: str
    stage: str
    code_key: str
    template_key: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    previous: str | None = None

    @property
    def key(self) -> str:
        return f"releases/{self.id}.json"

    def deploys_same_as(self, other: "Release") -> bool:
        """Return True if the other release has the same code, template and parameters."""
        return replace(other, id=self.id, previous=self.previous) == self


class Releases:
    """The releases of one stack."""

    def __init__(self, aws: AWS, stack: str) -> None:
        self._aws, self.stack = aws, stack
        self._s3 = aws.client("s3")
        # What this object created. discard_uploads() deletes it if nothing is deployed.
        self._created_bucket, self._uploaded_templates = False, list[str]()

    @property
    def bucket(self) -> str:
        return f"{self.stack}-code-{self._aws.account}-{self._aws.region}"

    @property
    def _own_bucket(self) -> dict[str, str]:
        """Arguments that make S3 refuse a bucket of another account, which may have guessed the name."""
        return {"Bucket": self.bucket, "ExpectedBucketOwner": self._aws.account}

    def make_bucket(self) -> None:
        """
        Create the bucket unless it exists. It is private, encrypted by S3, and requires TLS.

        Raise BucketTaken if it exists and denies access, or belongs to another account.
        """
        try:
            self._s3.head_bucket(**self._own_bucket)
        except self._s3.exceptions.ClientError as exc:
            status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 403:
                raise BucketTaken(self.bucket) from exc
            if status != 404:
                raise
        else:
            return
        # us-east-1 is the only region that S3 doesn't accept as a location constraint.
        region = self._aws.region
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._s3.create_bucket(Bucket=self.bucket, **({} if region == "us-east-1" else location))
        self._created_bucket = True
        block = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        self._s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=block)
        if not self._aws.is_local:  # Local AWS ignores the condition, and would deny every request.
            partition = next((name for name in ("cn", "us-gov") if region.startswith(f"{name}-")), None)
            arn = f"arn:aws{f'-{partition}' if partition else ''}:s3:::{self.bucket}"
            policy = {"Version": "2012-10-17", "Statement": [deny_without_tls("s3:*", [arn, f"{arn}/*"])]}
            self._s3.put_bucket_policy(**self._own_bucket, Policy=json.dumps(policy))
        # Releases stay for rollbacks. The parts of an interrupted upload are useless.
        rule = {
            "ID": "broken-uploads",
            "Status": "Enabled",
            "Filter": {},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        self._s3.put_bucket_lifecycle_configuration(
            **self._own_bucket, LifecycleConfiguration={"Rules": [rule]}
        )

    def put_package(self, package: Archive, on_progress: Callable[[int], object] | None = None) -> str:
        """
        Upload a package unless the same one exists. Return its key, which is named after its content.

        Threads of the upload call `on_progress` with the number of bytes that they sent since the last call.
        """
        key = code_key(package)
        if not self._has(key):
            owner = {"ExpectedBucketOwner": self._aws.account}
            self._s3.upload_file(str(package.path), self.bucket, key, ExtraArgs=owner, Callback=on_progress)
        return key

    def put_template(self, text: str) -> str:
        """Upload a template unless the same one exists. Return its key, which is named after its content."""
        key = f"templates/{hashlib.sha256(text.encode()).hexdigest()}.yaml"
        if not self._has(key):
            self._s3.put_object(**self._own_bucket, Key=key, Body=text.encode())
            self._uploaded_templates.append(key)
        return key

    def discard_uploads(self) -> None:
        """Delete the templates that were uploaded for a change that isn't made, and a bucket made for it."""
        for key in self._uploaded_templates:
            self._s3.delete_object(**self._own_bucket, Key=key)
        if self._created_bucket:
            delete_bucket(self._s3, self.bucket)
        self._created_bucket, self._uploaded_templates = False, []

    def url(self, key: str) -> str:
        """Return the URL at which CloudFormation reads an object."""
        return f"https://{self.bucket}.s3.{self._aws.region}.{self._aws.domain}/{key}"

    def current(self) -> Release | None:
        """Return the release that was deployed last, or None before the first deployment."""
        release_id = self._get(CURRENT_KEY)
        return None if release_id is None else self.get(release_id.decode())

    def get(self, release_id: str) -> Release:
        """Return a release by its id. Raise NotDeployed if it doesn't exist."""
        body = self._get(f"releases/{release_id}.json")
        if body is None:
            raise NotDeployed(self.stack, f"has no release {release_id}", "Deploy instead of rolling back.")
        fields: dict[str, Any] = json.loads(body)
        return Release(**fields)

    def template(self, release: Release) -> dict[str, Any]:
        """Return the template of a release. Raise NotDeployed if it doesn't exist any more."""
        body = self._get(release.template_key)
        if body is None:
            problem = f"has no template of the release {release.id}"
            raise NotDeployed(self.stack, problem, "Deploy the code you want instead.")
        return read_template(body.decode())

    def record(self, release: Release) -> None:
        """Store `release`, and make it the current one."""
        body = json.dumps(asdict(release), indent=2, default=dict).encode()
        self._s3.put_object(**self._own_bucket, Key=release.key, Body=body)
        self._s3.put_object(**self._own_bucket, Key=CURRENT_KEY, Body=release.id.encode())

    def new_id(self, code_key: str, now: datetime | None = None) -> str:
        return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{Path(code_key).stem[:8]}"

    def exist(self) -> bool:
        """Return True if the bucket exists and belongs to this account."""
        try:
            self._s3.head_bucket(**self._own_bucket)
        except self._s3.exceptions.ClientError:
            return False
        return True

    def delete(self) -> None:
        """Delete the bucket and everything in it."""
        delete_bucket(self._s3, self.bucket)

    def _has(self, key: str) -> bool:
        try:
            self._s3.head_object(**self._own_bucket, Key=key)
        except self._s3.exceptions.ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return False
        return True

    def _get(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(**self._own_bucket, Key=key)["Body"].read()
        except (self._s3.exceptions.NoSuchKey, self._s3.exceptions.NoSuchBucket):
            return None
        return body


def code_key(package: Archive) -> str:
    return f"code/{package.sha256}.zip"


def parameters_digest(parameters: Mapping[str, str]) -> str:
    """Return a hash of the parameters. It depends on the code too, because the key of the code is one."""
    return hashlib.sha256(json.dumps(dict(parameters), sort_keys=True).encode()).hexdigest()[:16]


def delete_bucket(s3: Any, bucket: str) -> None:
    """Delete a bucket and every object in it. Do nothing if it doesn't exist."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=item["Key"])
        s3.delete_bucket(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:
        return
