"""The alarms of a stack, and the topic that sends them by e-mail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..worker.metrics import NAMESPACE, OLDEST_RUNNING_METRIC, STACK_DIMENSION
from . import parameters
from .names import (
    DEAD_LETTER,
    FAILED,
    HISTORY,
    SWEEPER,
    TABLE,
    WEB,
    dead_letter_queue_id,
    function_id,
    logical,
    queue_id,
    worker,
)
from .spec import StackSpec
from .statements import allow, deny_without_tls
from .triggers import invoked_asynchronously

if TYPE_CHECKING:
    from troposphere import Template

TOPIC = "AlarmTopic"
# Counts the writes that DynamoDB refused, whatever the limit was.
WRITE_THROTTLES = "AWS/DynamoDB WriteThrottleEvents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A metric of AWS, and the threshold from which on somebody should look."""

    name: str
    description: str  # What is wrong, and what to do.
    metric: str  # "namespace name".
    dimensions: Mapping[str, object]
    threshold: object = 0
    statistic: str = "Sum"
    minutes: int = 5
    missing_data: object = "notBreaching"
    comparison: str = "GreaterThanThreshold"


def alarm_definitions(spec: StackSpec) -> Iterator[Alarm]:
    """Yield every alarm of a stack."""
    for queue_name in spec.queues:
        yield from queue_alarms(spec, queue_name)
    yield from function_alarms(spec)
    yield from stack_alarms(spec)


def queue_alarms(spec: StackSpec, queue_name: str) -> Iterator[Alarm]:
    from troposphere import GetAtt, Ref

    # The dead-letter function takes each message within seconds, so the number that wait is almost always 0.
    yield Alarm(
        name=f"DeadLetters{logical(queue_name)}",
        description=f"Dead letters on queue '{queue_name}': manage.py offload_dead shows them.",
        metric="AWS/SQS NumberOfMessagesReceived",
        dimensions={"QueueName": GetAtt(dead_letter_queue_id(queue_name), "QueueName")},
        minutes=1,
    )
    # Messages stay in the queue only if its mapping is paused, broken or throttled.
    yield Alarm(
        name=f"UntakenDeadLetters{logical(queue_name)}",
        description=f"Dead letters of queue '{queue_name}' are not taken: "
        f"see {spec.options.function(DEAD_LETTER)}.",
        metric="AWS/SQS ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": GetAtt(dead_letter_queue_id(queue_name), "QueueName")},
        statistic="Minimum",
        minutes=15,
    )
    more_workers = (
        parameters.concurrency_parameter(queue_name)
        if spec.queues[queue_name].pollers is None
        else f"the pollers of '{queue_name}'"
    )
    yield Alarm(
        name=f"OldestMessage{logical(queue_name)}",
        description=f"Messages wait long on queue '{queue_name}': raise {more_workers}, or see why.",
        metric="AWS/SQS ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": GetAtt(queue_id(queue_name), "QueueName")},
        threshold=Ref(parameters.OLDEST_MESSAGE),
        statistic="Maximum",
    )


def function_alarms(spec: StackSpec) -> Iterator[Alarm]:
    from troposphere import Ref

    roles = [*(worker(queue_name) for queue_name in spec.queues), DEAD_LETTER, SWEEPER]
    functions = {role: (spec.options.function(role), Ref(function_id(role))) for role in roles}
    functions[WEB] = ("the web function", Ref(parameters.WEB_FUNCTION))
    for role, (label, function_name) in functions.items():
        yield Alarm(
            name=f"Throttles{logical(role)}",
            description=f"Lambda had no room to start {label}: ask for a higher quota.",
            metric="AWS/Lambda Throttles",
            dimensions={"FunctionName": function_name},
        )
        yield Alarm(
            name=f"Errors{logical(role)}",
            description=f"Invocations of {label} fail, or are killed at a limit: see its log.",
            metric="AWS/Lambda Errors",
            dimensions={"FunctionName": function_name},
        )
    for role in invoked_asynchronously(spec):
        yield Alarm(
            name=f"Dropped{logical(role)}",
            description=f"Lambda gave up events of {spec.options.function(role)}: "
            f"they are in {spec.failed_events}.",
            metric="AWS/Lambda AsyncEventsDropped",
            dimensions={"FunctionName": Ref(function_id(role))},
        )


def stack_alarms(spec: StackSpec) -> Iterator[Alarm]:
    from troposphere import GetAtt, Ref

    yield Alarm(
        name="OldestRunning",
        description="A task has been RUNNING for too long: manage.py offload_doctor says why.",
        metric=f"{NAMESPACE} {OLDEST_RUNNING_METRIC}",
        dimensions={STACK_DIMENSION: spec.stack},
        threshold=Ref(parameters.OLDEST_RUNNING),
        statistic="Maximum",
    )
    yield Alarm(
        name="SweeperSilent",
        description="The sweeper does not run: what is lost is not sent again. See its log.",
        metric="AWS/Lambda Invocations",
        dimensions={"FunctionName": Ref(function_id(SWEEPER))},
        threshold=1,
        comparison="LessThanThreshold",
        # A paused stack doesn't start its sweeper.
        missing_data=parameters.if_running("breaching", "notBreaching"),
    )
    yield from table_alarms(spec)
    yield Alarm(
        name="FailedEvents",
        description=f"Events that no function took wait in {spec.failed_events}: "
        "look at them, then purge it.",
        metric="AWS/SQS ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": GetAtt(FAILED, "QueueName")},
        statistic="Maximum",
    )


def table_alarms(spec: StackSpec) -> Iterator[Alarm]:
    """
    Yield an alarm for the table and for each of its indexes.

    The metric of the table doesn't count the refused writes of an index, although they delay the table's:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
    from troposphere import Ref

    yield Alarm(
        name="ThrottlesTable",
        description="DynamoDB refuses writes to the table for their rate: tasks are late. Raise "
        f"{parameters.WARM_WRITES} before the next peak, or the account's quota of write units a table.",
        metric=WRITE_THROTTLES,
        dimensions={"TableName": Ref(TABLE)},
    )
    for index in spec.indexes:
        remedy = f"Raise OPTIONS['shards'], then {parameters.WARM_WRITES}."
        if index == HISTORY:  # It isn't divided into shards.
            remedy = "It takes 1,000 tasks a second of each alias: change OPTIONS['history']."
        yield Alarm(
            name=f"Throttles{logical(index)}Index",
            description=f"DynamoDB refuses writes to the index '{index}' for their rate, and so to the "
            f"table: tasks are late. {remedy}",
            metric=WRITE_THROTTLES,
            dimensions={"TableName": Ref(TABLE), "GlobalSecondaryIndexName": index},
        )


def add_alarms(template: "Template", spec: StackSpec) -> None:
    from troposphere import If, NoValue, Ref, cloudwatch

    add_topic(template, spec)
    actions = If(parameters.ALARM_MAIL, [Ref(TOPIC)], NoValue)
    for alarm in alarm_definitions(spec):
        namespace, metric_name = alarm.metric.split(" ")
        template.add_resource(
            cloudwatch.Alarm(
                f"Alarm{alarm.name}",
                AlarmName=f"{spec.stack}-{alarm.name}",
                AlarmDescription=alarm.description,
                Namespace=namespace,
                MetricName=metric_name,
                Dimensions=[
                    cloudwatch.MetricDimension(Name=name, Value=value)
                    for name, value in alarm.dimensions.items()
                ],
                Statistic=alarm.statistic,
                Period=60 * alarm.minutes,
                EvaluationPeriods=1,
                Threshold=alarm.threshold,
                ComparisonOperator=alarm.comparison,
                TreatMissingData=alarm.missing_data,
                AlarmActions=actions,
                OKActions=actions,
                Condition=parameters.ON_AWS,
            )
        )


def add_topic(template: "Template", spec: StackSpec) -> None:
    """Add the topic, to which only alarms of this stack can publish, and only over TLS."""
    from troposphere import Ref, Sub, sns

    alarms = f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{spec.stack}-*"
    publish = {
        **allow(["sns:Publish"], [Ref(TOPIC)]),
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {
            "ArnLike": {"aws:SourceArn": Sub(alarms)},
            "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
        },
    }
    # Sends alarms to AlarmEmail.
    template.add_resource(
        sns.Topic(
            TOPIC,
            TopicName=f"{spec.stack}-alarms",
            KmsMasterKeyId=parameters.with_own_key(Ref(parameters.KMS_KEY)),
            Subscription=[sns.Subscription(Endpoint=Ref(parameters.ALARM_EMAIL), Protocol="email")],
            Condition=parameters.ALARM_MAIL,
        )
    )
    # Allows only alarms of this stack to publish, and only over TLS.
    template.add_resource(
        sns.TopicPolicy(
            f"{TOPIC}Policy",
            Topics=[Ref(TOPIC)],
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [publish, deny_without_tls("sns:Publish", [Ref(TOPIC)])],
            },
            Condition=parameters.ALARM_MAIL,
        )
    )
