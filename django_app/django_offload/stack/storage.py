"""The table of records, and the bucket for what is too large for a message or a record."""

from typing import TYPE_CHECKING

from ..conf import BUCKET_OF_STACK
from ..protocol.record import NEVER_CHANGED, PAYLOAD_LIFE
from . import limits
from .names import BUCKET, HISTORY, INDEX, TABLE
from .parameters import KMS_KEY, ON_AWS, with_own_key
from .plan import Plan
from .statements import by_tls

if TYPE_CHECKING:
    from troposphere import Sub, Template, dynamodb
    from troposphere.s3 import LifecycleRule

# Deleting the stack must not delete what users' tasks returned.
_KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def add_storage(template: "Template", plan: Plan) -> None:
    _add_table(template, plan)
    if plan.options.bucket is not None:
        _add_bucket(template, plan, plan.options.bucket)


def _add_table(template: "Template", plan: Plan) -> None:
    from troposphere import Ref, dynamodb

    types = {"id": "S", "part": "S", "due_shard": "N", "due_at": "N"}
    indexes = [
        # Sparse: only records the sweeper has yet to look at, and FAILED ones, carry due_at.
        _index(INDEX, "due_shard", "due_at")
    ]
    if plan.history:
        types |= {"alias": "S", "enqueued_at": "N"}
        indexes.append(_index(HISTORY, "alias", "enqueued_at"))
    template.add_resource(
        dynamodb.Table(
            TABLE,
            TableName=plan.options.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                dynamodb.AttributeDefinition(AttributeName=name, AttributeType=kind)
                for name, kind in types.items()
            ],
            KeySchema=_keys("id", "part"),
            GlobalSecondaryIndexes=indexes,
            TimeToLiveSpecification=dynamodb.TimeToLiveSpecification(AttributeName="ttl", Enabled=True),
            PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
                PointInTimeRecoveryEnabled=True
            ),
            # Without a key of the customer's: AWS's own for DynamoDB.
            SSESpecification=dynamodb.SSESpecification(
                SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=with_own_key(Ref(KMS_KEY))
            ),
            **_KEPT,
        )
    )


def _index(name: str, partition: str, sort: str) -> "dynamodb.GlobalSecondaryIndex":
    """Return an index; what it holds beside its keys never changes, so no update of a record bills it."""
    from troposphere import dynamodb

    held = [attribute for attribute in NEVER_CHANGED if attribute != sort]
    return dynamodb.GlobalSecondaryIndex(
        IndexName=name,
        KeySchema=_keys(partition, sort),
        Projection=dynamodb.Projection(ProjectionType="INCLUDE", NonKeyAttributes=held),
    )


def _keys(partition: str, sort: str) -> list[object]:
    from troposphere import dynamodb

    return [
        dynamodb.KeySchema(AttributeName=partition, KeyType="HASH"),
        dynamodb.KeySchema(AttributeName=sort, KeyType="RANGE"),
    ]


def _add_bucket(template: "Template", plan: Plan, bucket: str) -> None:
    from troposphere import Ref, s3

    payload_life = max(PAYLOAD_LIFE, plan.result_ttl + limits.PAYLOAD_MARGIN)
    by_default = with_own_key(
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=Ref(KMS_KEY)),
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256"),
    )
    template.add_resource(
        s3.Bucket(
            BUCKET,
            BucketName=_bucket_name(plan, bucket),
            BucketEncryption=s3.BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    s3.ServerSideEncryptionRule(
                        ServerSideEncryptionByDefault=by_default,
                        # One key for a bucket instead of one for each object: a hundredth of the calls.
                        BucketKeyEnabled=with_own_key(True, False),
                    )
                ]
            ),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            LifecycleConfiguration=s3.LifecycleConfiguration(
                Rules=[
                    _expiry("payloads", limits.days(payload_life)),
                    _expiry("dead", limits.days(limits.DEAD_LIFE)),
                    s3.LifecycleRule(
                        Id="uploads",
                        Status="Enabled",
                        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(
                            DaysAfterInitiation=limits.days(limits.UPLOAD_LIFE)
                        ),
                    ),
                ]
            ),
            **_KEPT,
        )
    )
    _add_bucket_policy(template)


def _add_bucket_policy(template: "Template") -> None:
    """Let nobody reach the bucket but by TLS."""
    from troposphere import GetAtt, Ref, Sub, s3

    everything = [GetAtt(BUCKET, "Arn"), Sub(f"${{{BUCKET}.Arn}}/*")]
    template.add_resource(
        s3.BucketPolicy(
            f"{BUCKET}Policy",
            Bucket=Ref(BUCKET),
            PolicyDocument={"Version": "2012-10-17", "Statement": [by_tls("s3:*", everything)]},
            Condition=ON_AWS,
        )
    )


def _bucket_name(plan: Plan, bucket: str) -> "Sub | str":
    """Return the bucket's name; account and region may be known only where the template is deployed."""
    from troposphere import Sub

    if bucket != BUCKET_OF_STACK:
        return bucket
    if plan.place is not None:
        return f"{plan.stack}-payloads-{plan.place.account}-{plan.place.region}"
    return Sub(f"{plan.stack}-payloads-${{AWS::AccountId}}-${{AWS::Region}}")


def _expiry(folder: str, days: int) -> "LifecycleRule":
    from troposphere import s3

    return s3.LifecycleRule(Id=folder, Status="Enabled", Prefix=f"{folder}/", ExpirationInDays=days)
