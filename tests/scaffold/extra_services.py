"""Run by offload_local with the extra `local` alone: a task, and each service that we or a site call."""

import time

import boto3
import django

django.setup()

from orders.tasks import fetch  # noqa: E402 - tasks need the app registry.

result = fetch.enqueue(7)
deadline = time.monotonic() + 60
while not result.is_finished and time.monotonic() < deadline:
    time.sleep(0.1)
    result.refresh()
print("task:", result.status, result.return_value)

cloudformation, dynamodb, s3 = map(boto3.client, ("cloudformation", "dynamodb", "s3"))
print("stack:", cloudformation.describe_stacks()["Stacks"][0]["StackStatus"])
(table,) = dynamodb.list_tables()["TableNames"]
statement = f'SELECT * FROM "{table}" WHERE id = ?'  # noqa: S608 - a table's name can't be a parameter.
items = dynamodb.execute_statement(Statement=statement, Parameters=[{"S": result.id}])["Items"]
print("items by PartiQL:", len(items))
s3.create_bucket(Bucket="extra")
s3.put_object(Bucket="extra", Key="a/b", Body=b"text", Metadata={"an_entry": "1"})
found = s3.get_object(Bucket="extra", Key="a/b")
print("object:", found["Body"].read().decode(), found["Metadata"])
secrets, parameters, keys = map(boto3.client, ("secretsmanager", "ssm", "kms"))
secrets.create_secret(Name="extra", SecretString="s")
print("secret:", secrets.get_secret_value(SecretId="extra")["SecretString"])
parameters.put_parameter(Name="/extra", Value="p", Type="SecureString")
print("parameter:", parameters.get_parameter(Name="/extra", WithDecryption=True)["Parameter"]["Value"])
key = keys.create_key()["KeyMetadata"]["KeyId"]
sealed = keys.encrypt(KeyId=key, Plaintext=b"open")["CiphertextBlob"]
print("opened:", keys.decrypt(CiphertextBlob=sealed)["Plaintext"].decode())
print("account:", boto3.client("sts").get_caller_identity()["Account"])
for service, operation, answer in (
    ("iam", "list_roles", "Roles"),
    ("events", "list_rules", "Rules"),
    ("lambda", "list_functions", "Functions"),
    ("logs", "describe_log_groups", "logGroups"),
    ("scheduler", "list_schedules", "Schedules"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("sns", "list_topics", "Topics"),
    ("sqs", "list_queues", "QueueUrls"),
):
    print(f"{service}:", isinstance(getattr(boto3.client(service), operation)()[answer], list))
