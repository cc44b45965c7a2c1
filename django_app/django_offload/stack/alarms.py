"""Alarms as resources, and the topic that tells of them by e-mail."""

from typing import TYPE_CHECKING

from . import parameters
from .alarm_definitions import Alarm, alarms
from .plan import Plan
from .statements import Statement, allow, by_tls

if TYPE_CHECKING:
    from troposphere import Template

TOPIC = "AlarmTopic"


def add_alarms(template: "Template", plan: Plan) -> None:
    from troposphere import If, NoValue, Ref

    _add_topic(template, plan)
    told = If(parameters.ALARM_MAIL, [Ref(TOPIC)], NoValue)
    for alarm in alarms(plan):
        _add(template, plan, alarm, told)


def _add(template: "Template", plan: Plan, alarm: Alarm, told: object) -> None:
    from troposphere import cloudwatch

    namespace, name = alarm.metric.split(" ")
    template.add_resource(
        cloudwatch.Alarm(
            f"Alarm{alarm.name}",
            AlarmName=f"{plan.stack}-{alarm.name}",
            AlarmDescription=alarm.says,
            Namespace=namespace,
            MetricName=name,
            Dimensions=[
                cloudwatch.MetricDimension(Name=key, Value=value) for key, value in alarm.dimensions.items()
            ],
            Statistic=alarm.statistic,
            Period=60 * alarm.minutes,
            EvaluationPeriods=1,
            Threshold=alarm.above,
            ComparisonOperator=alarm.comparison,
            TreatMissingData=alarm.missing,
            AlarmActions=told,
            OKActions=told,
            Condition=parameters.ON_AWS,
        )
    )


def _add_topic(template: "Template", plan: Plan) -> None:
    from troposphere import Ref, sns

    own = {"Condition": parameters.ALARM_MAIL}
    template.add_resource(
        sns.Topic(
            TOPIC,
            TopicName=f"{plan.stack}-alarms",
            KmsMasterKeyId=parameters.with_own_key(Ref(parameters.KMS_KEY)),
            Subscription=[sns.Subscription(Endpoint=Ref(parameters.ALARM_EMAIL), Protocol="email")],
            **own,
        )
    )
    template.add_resource(
        sns.TopicPolicy(
            f"{TOPIC}Policy",
            Topics=[Ref(TOPIC)],
            PolicyDocument={"Version": "2012-10-17", "Statement": _topic_statements(plan)},
            **own,
        )
    )


def _topic_statements(plan: Plan) -> list[Statement]:
    """Let this account's alarms of the stack publish, by TLS alone."""
    from troposphere import Ref, Sub

    topic = [Ref(TOPIC)]
    source = Sub(
        f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{plan.stack}-*"
    )
    condition = {
        "ArnLike": {"aws:SourceArn": source},
        "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
    }
    return [
        {
            **allow(["sns:Publish"], topic),
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": condition,
        },
        by_tls("sns:Publish", topic),
    ]
