"""The table of records, and the bucket for payloads that are too large for a message or a record."""

from typing import TYPE_CHECKING

from ..conf import BUCKET_OF_STACK
from ..protocol.record import NEVER_CHANGED, PAYLOAD_LIFE
from . import limits
from .names import BUCKET, HISTORY, INDEX, TABLE
from .parameters import (
    HAS_WARM_READS,
    HAS_WARM_WRITES,
    KMS_KEY,
    ON_AWS,
    WARM_READS,
    WARM_WRITES,
    with_own_key,
)
from .spec import StackSpec
from .statements import deny_without_tls

if TYPE_CHECKING:
    from troposphere import If, Sub, Template, dynamodb
    from troposphere.s3 import LifecycleRule

# The results of users' tasks must outlive the stack.
RETAIN = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def add_storage(template: "Template", spec: StackSpec) -> None:
    add_table(template, spec)
    if spec.options.bucket is not None:
        add_bucket(template, spec, spec.options.bucket)


def add_table(template: "Template", spec: StackSpec) -> None:
    from troposphere import Ref, dynamodb

    types = {"id": "S", "part": "S", "due_shard": "N", "due_at": "N"}
    indexes = [
        # Sparse: only records that the sweeper will look at, and FAILED records, have due_at.
        secondary_index(INDEX, "due_shard", "due_at")
    ]
    if spec.history:
        types |= {"alias": "S", "enqueued_at": "N"}
        indexes.append(secondary_index(HISTORY, "alias", "enqueued_at"))
    # Keeps the record of each task until its result_ttl is over.
    template.add_resource(
        dynamodb.Table(
            TABLE,
            TableName=spec.options.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                dynamodb.AttributeDefinition(AttributeName=name, AttributeType=kind)
                for name, kind in types.items()
            ],
            KeySchema=key_schema("id", "part"),
            GlobalSecondaryIndexes=indexes,
            WarmThroughput=warm_throughput(),
            TimeToLiveSpecification=dynamodb.TimeToLiveSpecification(AttributeName="ttl", Enabled=True),
            PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
                PointInTimeRecoveryEnabled=True
            ),
            # Without a key of the customer, DynamoDB uses AWS's own.
            SSESpecification=dynamodb.SSESpecification(
                SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=with_own_key(Ref(KMS_KEY))
            ),
            **RETAIN,
        )
    )


def secondary_index(name: str, partition: str, sort: str) -> "dynamodb.GlobalSecondaryIndex":
    """Return an index whose other attributes never change, so that updating a record costs no write to it."""
    from troposphere import dynamodb

    attributes = [attribute for attribute in NEVER_CHANGED if attribute != sort]
    return dynamodb.GlobalSecondaryIndex(
        IndexName=name,
        KeySchema=key_schema(partition, sort),
        Projection=dynamodb.Projection(ProjectionType="INCLUDE", NonKeyAttributes=attributes),
        # A write of the table waits for that of the index, so an index needs as much as the table.
        WarmThroughput=warm_throughput(),
    )


def warm_throughput() -> "If":
    """Return the units a second that a table or an index accepts at once, or nothing if a stage says none."""
    from troposphere import If, NoValue, Ref, dynamodb

    # AWS wants at least one of the two.
    reads = {"ReadUnitsPerSecond": Ref(WARM_READS)}
    optional_reads = {"ReadUnitsPerSecond": If(HAS_WARM_READS, Ref(WARM_READS), NoValue)}
    return If(
        HAS_WARM_WRITES,
        dynamodb.WarmThroughput(WriteUnitsPerSecond=Ref(WARM_WRITES), **optional_reads),
        If(HAS_WARM_READS, dynamodb.WarmThroughput(**reads), NoValue),
    )


def key_schema(partition: str, sort: str) -> list[object]:
    from troposphere import dynamodb

    return [
        dynamodb.KeySchema(AttributeName=partition, KeyType="HASH"),
        dynamodb.KeySchema(AttributeName=sort, KeyType="RANGE"),
    ]


def add_bucket(template: "Template", spec: StackSpec, bucket: str) -> None:
    """Add the bucket, which is private, encrypted and reachable only over TLS."""
    from troposphere import GetAtt, Ref, Sub, s3

    payload_life = max(PAYLOAD_LIFE, spec.result_ttl + limits.PAYLOAD_MARGIN)
    default_encryption = with_own_key(
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=Ref(KMS_KEY)),
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256"),
    )
    # Keeps arguments and results that are too large for a message or a record, and refused messages.
    template.add_resource(
        s3.Bucket(
            BUCKET,
            BucketName=bucket_name(spec, bucket),
            BucketEncryption=s3.BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    s3.ServerSideEncryptionRule(
                        ServerSideEncryptionByDefault=default_encryption,
                        # A key for the whole bucket, not for each object, needs 1 % of the calls to KMS.
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
                    expiry_rule("payloads", limits.days(payload_life)),
                    expiry_rule("dead", limits.days(limits.DEAD_LIFE)),
                    s3.LifecycleRule(
                        Id="uploads",
                        Status="Enabled",
                        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(
                            DaysAfterInitiation=limits.days(limits.UPLOAD_LIFE)
                        ),
                    ),
                ]
            ),
            **RETAIN,
        )
    )
    contents = [GetAtt(BUCKET, "Arn"), Sub(f"${{{BUCKET}.Arn}}/*")]
    # Refuses requests to the bucket without TLS.
    template.add_resource(
        s3.BucketPolicy(
            f"{BUCKET}Policy",
            Bucket=Ref(BUCKET),
            PolicyDocument={"Version": "2012-10-17", "Statement": [deny_without_tls("s3:*", contents)]},
            Condition=ON_AWS,
        )
    )


def bucket_name(spec: StackSpec, bucket: str) -> "Sub | str":
    """Return the bucket's name. Without a deployment target, CloudFormation adds account and region."""
    from troposphere import Sub

    if bucket != BUCKET_OF_STACK:
        return bucket
    if spec.target is not None:
        return f"{spec.stack}-payloads-{spec.target.account}-{spec.target.region}"
    return Sub(f"{spec.stack}-payloads-${{AWS::AccountId}}-${{AWS::Region}}")


def expiry_rule(folder: str, days: int) -> "LifecycleRule":
    from troposphere import s3

    return s3.LifecycleRule(Id=folder, Status="Enabled", Prefix=f"{folder}/", ExpirationInDays=days)
