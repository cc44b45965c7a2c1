"""Events of other services, and of tools that invoke functions: no function of a stack obeys them."""

import base64
import gzip
import json
from typing import Any

from .names import HERE, PICKLE

TASK = f"{HERE}.tasks.effect"
PROGRAM = f"import {HERE}.unheard_of; import os; os.environ['OFFLOAD_OBEYED'] = '1'"
ACCOUNT, REGION = "210987654321", "eu-central-1"
_CODED = base64.b64encode(json.dumps({"task": TASK, "command": TASK}).encode()).decode()


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def event_bridge(kind: str, source: str, detail: dict[str, Any], *resources: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-11-30T12:00:00Z",
        "region": REGION,
        "resources": list(resources),
        "detail": detail,
    }


def sns(message: str, **changes: Any) -> dict[str, Any]:
    body = {"Type": "Notification", "MessageId": "1", "TopicArn": arn("sns", "t"), "Message": message}
    return {"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns", "Sns": body | changes}]}


# Zappa's handler obeys each of these; a project that comes from it still has whatever sends them.
ZAPPA: dict[str, Any] = {
    "Zappa, a program": {"raw_command": PROGRAM},
    "Zappa, a command": {"command": f"{HERE}.tripwire.fire", "args": [1], "kwargs": {}},
    "Zappa, a command that is loaded": {"command": f"{HERE}.unheard_of.Error"},
    "Zappa, a command of a shell": {"command": "os.system", "args": ["id"]},
    "Zappa, manage": {"manage": "check"},
    "Zappa, manage that deletes": {"manage": "flush --no-input"},
    "Zappa, manage in a shell": {"manage": f"shell -c '{PROGRAM}'"},
    "Zappa, an asynchronous task": {
        "command": "zappa.asynchronous.route_lambda_task",
        "task_path": f"{HERE}.tripwire.fire",
        "args": [],
        "kwargs": {},
        "capture_response": True,
        "response_id": "1",
    },
    "Zappa, a task over SNS": sns(
        json.dumps({"command": "zappa.asynchronous.route_sns_task", "task_path": TASK, "args": ["id"]})
    ),
    "Zappa, stage variables": {"stageVariables": {"OFFLOAD_OBEYED": "1", "PYTHONPATH": "/tmp"}},
    "Zappa, keep warm": event_bridge(
        "Scheduled Event", "aws.events", {}, arn("events", "rule/shop-dev-handler.keep_warm_callback")
    ),
    "Zappa, a schedule": event_bridge(
        "Scheduled Event", "aws.events", {}, arn("events", f"rule/shop-{TASK}")
    ),
    "Zappa, an S3 record that names a function": {"Records": [{"s3": {"configurationId": f"x:{TASK}"}}]},
    "Zappa, a bot that names a function": {"bot": {"name": "b"}, "currentIntent": {"name": TASK}},
    "Zappa, an authorizer": {
        "type": "TOKEN",
        "authorizationToken": TASK,
        "methodArn": arn("execute-api", "a/*"),
    },
    "Zappa, a Cognito trigger": {"triggerSource": "PreSignUp_SignUp", "userPoolId": TASK, "request": {}},
    "Zappa, a log that names a function": {"awslogs": {"data": _CODED}, "command": TASK},
}

SERVICES: dict[str, Any] = {
    "SNS": sns(TASK),
    "SNS, a subscription": sns("x", Type="SubscriptionConfirmation", SubscribeURL="http://127.0.0.1:9/"),
    "S3": {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "b"}, "object": {"key": "../../etc/passwd"}},
            }
        ]
    },
    "S3, its test": {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
    "S3 over EventBridge": event_bridge("Object Created", "aws.s3", {"bucket": {"name": "b"}}),
    "S3 Object Lambda": {"getObjectContext": {"inputS3Url": "http://127.0.0.1:9/", "outputRoute": "r"}},
    "S3 Batch Operations": {"invocationSchemaVersion": "1.0", "tasks": [{"taskId": "1", "s3Key": TASK}]},
    "DynamoDB": {
        "Records": [
            {
                "eventSource": "aws:dynamodb",
                "eventName": "INSERT",
                "eventSourceARN": arn("dynamodb", "table/contract/stream/2026"),
                "dynamodb": {"NewImage": {"name": {"S": TASK}, "status": {"S": "READY"}}},
            }
        ]
    },
    "Kinesis": {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventSourceARN": arn("kinesis", "stream/s"),
                "kinesis": {"data": base64.b64encode(PICKLE).decode(), "partitionKey": "k"},
            }
        ]
    },
    "Firehose": {"invocationId": "1", "records": [{"recordId": "1", "data": _CODED}]},
    "Kafka": {
        "eventSource": "aws:kafka",
        "eventSourceArn": arn("kafka", "cluster/c"),
        "records": {"t-0": [{"topic": "t", "value": _CODED}]},
    },
    "a queue of MQ": {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": [{"data": _CODED}]}},
    "DocumentDB": {"eventSource": "aws:docdb", "events": [{"event": {"operationType": "insert"}}]},
    "logs": {"awslogs": {"data": base64.b64encode(gzip.compress(b'{"logEvents":[]}', mtime=0)).decode()}},
    "a bomb of logs": {"awslogs": {"data": base64.b64encode(gzip.compress(b" " * 10**6, mtime=0)).decode()}},
    "an alarm": event_bridge("CloudWatch Alarm State Change", "aws.cloudwatch", {"alarmName": TASK}),
    "an alarm's action": {
        "source": "aws.cloudwatch",
        "alarmArn": arn("cloudwatch", "alarm:a"),
        "alarmData": {},
    },
    "a custom event of EventBridge": event_bridge("order", "shop.orders", {"command": TASK, "task": TASK}),
    "GuardDuty": event_bridge("GuardDuty Finding", "aws.guardduty", {"type": TASK}),
    "EC2 Auto Scaling": event_bridge("EC2 Instance-launch Lifecycle Action", "aws.autoscaling", {}),
    "CodePipeline": {
        "CodePipeline.job": {"id": "1", "data": {"actionConfiguration": {"FunctionName": TASK}}}
    },
    "CodeDeploy": {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x"},
    "CloudFormation": {
        "RequestType": "Create",
        "ResponseURL": "http://127.0.0.1:9/",
        "StackId": arn("cloudformation", "stack/s"),
        "ResourceType": "Custom::Migrate",
        "ResourceProperties": {"do": "migrate"},
    },
    "CloudFormation's macro": {"transformId": "1::M", "fragment": {}, "params": {}, "requestId": "1"},
    "Config": {"invokingEvent": json.dumps({"command": TASK}), "ruleParameters": "{}", "resultToken": "t"},
    "Secrets Manager": {"SecretId": arn("secretsmanager", "secret:s"), "Step": "createSecret"},
    "Step Functions": {"TaskToken": "t", "Input": {"task": TASK, "args": []}},
    "a destination of Lambda": {
        "version": "1.0",
        "requestContext": {"functionArn": arn("lambda", "function:f"), "condition": "RetriesExhausted"},
        "requestPayload": {"command": TASK},
        "responsePayload": {},
    },
    "Lex": {"bot": {"name": "b"}, "currentIntent": {"name": "order"}, "invocationSource": "DialogCodeHook"},
    "Lex, version 2": {
        "messageVersion": "1.0",
        "sessionState": {"intent": {"name": TASK}},
        "bot": {"id": "b"},
    },
    "Alexa": {
        "version": "1.0",
        "session": {"application": {"applicationId": "a"}},
        "request": {"type": "IntentRequest", "intent": {"name": TASK}},
    },
    "Alexa Smart Home": {"directive": {"header": {"namespace": "Alexa.Discovery", "name": TASK}}},
    "Connect": {"Name": "ContactFlowEvent", "Details": {"Parameters": {"task": TASK}}},
    "Cognito": {
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "request": {},
        "response": {},
    },
    "Cognito Sync": {"eventType": "SyncTrigger", "identityPoolId": "p", "datasetRecords": {}},
    "SES": {"Records": [{"eventSource": "aws:ses", "ses": {"mail": {"source": "a@b"}, "receipt": {}}}]},
    "IoT": {"clickType": "SINGLE", "serialNumber": "1", "batteryVoltage": "1000mV"},
    "AppSync": {"typeName": "Mutation", "fieldName": "run", "arguments": {"task": TASK}, "identity": None},
    "AppSync's authorizer": {"authorizationToken": "t", "requestContext": {"apiId": "a"}},
    "a Bedrock agent": {"messageVersion": "1.0", "actionGroup": "g", "function": TASK, "parameters": []},
    "CloudFront": {"Records": [{"cf": {"config": {"eventType": "viewer-request"}, "request": {"uri": "/"}}}]},
    "VPC Lattice": {"version": "2.0", "path": "/", "method": "GET", "requestContext": {"serviceArn": "a"}},
    "Transfer Family": {"username": "u", "password": "p", "protocol": "SFTP", "serverId": "s"},
    "a trigger of Aurora": {"rds": TASK, "query": "DROP TABLE auth_user"},
    "a pipe of EventBridge": [{"messageId": "1", "eventSource": "aws:sqs", "body": "{}"}],
    "Cloud Run": {"message": {"data": _CODED, "attributes": {}}, "subscription": "s"},
}

PINGS: dict[str, Any] = {
    "a warm-up of serverless": {"source": "serverless-plugin-warmup"},
    "a warm-up by a flag": {"warmer": True, "concurrency": 3},
    "a warm-up by a word": {"ping": True},
    "a warm-up of Amplify": {"keep-warm": "true", "httpMethod": None},
    "the console's test": {"key1": "value1", "key2": "value2", "key3": "value3"},
}

THINGS: dict[str, Any] = {
    "an empty object": {},
    "an empty list": [],
    "null": None,
    "true": True,
    "zero": 0,
    "a number": -7,
    "a fraction": 1.5,
    "not a number": float("nan"),
    "a huge number": 10**4_000,
    "an empty text": "",
    "a program": PROGRAM,
    "a name": TASK,
    "a pickle": PICKLE.decode("latin-1"),
    "JSON in a text": json.dumps({"raw_command": PROGRAM}),
    "a list of commands": [{"command": TASK}, {"raw_command": PROGRAM}],
    "a list of nulls": [None] * 1_000,
    "an empty key": {"": ""},
    "a lone surrogate": {"\ud800": "\udfff"},
    "prototype names": {"__class__": {"__init__": {"__globals__": {}}}, "__proto__": {"sig": 1}},
    "a format string": {"{0.__class__}": "%(name)s%n"},
    "a forged line of a log": {"x\n2026-11-30 INFO swept": "\r\x1b[2J"},
    "many keys": {f"key{number}": number for number in range(20_000)},
    "a long text": {"x": "x" * 1_000_000},
    "a record of a task": {
        "id": "0" * 32,
        "name": TASK,
        "status": "READY",
        "due_at": 0,
        "arguments": "[[],{}]",
    },
    "a message without a signature": {"v": 1, "id": "0" * 32, "name": TASK, "args": ["id"], "kwargs": {}},
    "records that are no list": {"Records": {"0": {"body": "{}"}}},
    "records that are a text": {"Records": "aws:sqs"},
    "records in lower case": {"records": [{"eventSource": "aws:sqs", "body": "{}"}]},
    "no records": {"Records": []},
    "records of null": {"Records": [None]},
    "null for records": {"Records": None},
}


def nested(levels: int, kind: type[Any]) -> Any:
    """Return an object as Lambda's runtime makes it of deep JSON, however deep its reader goes."""
    value: Any = kind()
    for _ in range(levels):
        value = [value] if kind is list else {"Records": value}
    return value


DEEP: dict[str, Any] = {
    "deep lists": nested(900, list),
    "deeper lists": nested(50_000, list),
    "deep lists in records": {"Records": nested(50_000, list)},
    "deep lists in a message": {"v": 1, "sig": "x", "args": nested(50_000, list)},
    "deep lists in a schedule": {"schedule": nested(50_000, list), "alias": "default", "at": "now"},
    "deep lists in a request": {"requestContext": nested(50_000, list), "httpMethod": "GET", "path": "/"},
}

EVERYWHERE: dict[str, Any] = ZAPPA | SERVICES | PINGS | THINGS | DEEP
