"""The alarms and the dashboard."""

import json
from typing import Any

from django_offload.conf import QueueOptions
from tests.unit.stack.examples import evaluated, of_type, options, properties

BOTH = (options(), options("direct", transport="lambda"))
WITH_HISTORY = (options(history=True),)


def alarm(name: str, **parameters: object) -> dict[str, Any]:
    found: dict[str, Any] = evaluated(*BOTH, parameters=parameters).resources[f"Alarm{name}"]["Properties"]
    return found


def metric(name: str) -> tuple[str, str, object]:
    found = alarm(name)
    return found["Namespace"], found["MetricName"], found["Dimensions"][0]["Value"]


def test_everything_that_needs_attention_has_an_alarm() -> None:
    assert metric("DeadLettersReports") == (
        "AWS/SQS",
        "NumberOfMessagesReceived",
        {"Fn::GetAtt": ["DeadLetterQueueReports", "QueueName"]},
    )
    assert metric("OldestMessageReports") == (
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        {"Fn::GetAtt": ["QueueReports", "QueueName"]},
    )
    assert metric("OldestRunning") == ("DjangoOffload", "OldestRunningSeconds", "shop-dev")
    assert metric("ThrottlesReportsWorker")[1:] == ("Throttles", {"Ref": "FunctionReportsWorker"})
    assert metric("ErrorsReportsWorker")[1:] == ("Errors", {"Ref": "FunctionReportsWorker"})
    assert metric("ThrottlesWeb")[1:] == ("Throttles", "web")
    assert alarm("ErrorsWeb", WebFunction="shop-dev")["Dimensions"][0]["Value"] == "shop-dev"
    assert metric("DroppedReportsWorker")[1:] == ("AsyncEventsDropped", {"Ref": "FunctionReportsWorker"})


def test_a_stage_chooses_how_old_is_too_old() -> None:
    assert alarm("OldestMessageReports", OldestMessageSeconds=60)["Threshold"] == 60
    assert alarm("OldestRunning", OldestRunningSeconds=7200)["Threshold"] == 7200


def test_one_dead_letter_raises_an_alarm_and_missing_data_does_not() -> None:
    dead = alarm("DeadLettersDefault")

    assert (dead["Threshold"], dead["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert dead["TreatMissingData"] == "notBreaching"


def test_dead_letters_that_no_function_receives_raise_an_alarm() -> None:
    waiting = alarm("UntakenDeadLettersReports")

    assert metric("UntakenDeadLettersReports") == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"Fn::GetAtt": ["DeadLetterQueueReports", "QueueName"]},
    )
    # The queue had messages all the time for 15 minutes, although the function receives one within seconds.
    assert (waiting["Statistic"], waiting["Period"]) == ("Minimum", 900)
    assert (waiting["Threshold"], waiting["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_a_sweeper_that_does_not_run_raises_an_alarm() -> None:
    silent = alarm("SweeperSilent")

    assert (silent["Threshold"], silent["ComparisonOperator"]) == (1, "LessThanThreshold")
    assert silent["TreatMissingData"] == "breaching"
    assert alarm("SweeperSilent", Paused="true")["TreatMissingData"] == "notBreaching"


def index_names() -> list[str]:
    indexes = properties("Table", *WITH_HISTORY)["GlobalSecondaryIndexes"]
    return [index["IndexName"] for index in indexes]


def test_refused_writes_of_every_index_raise_an_alarm_that_says_what_to_do() -> None:
    """The metric of the table alone doesn't count them."""
    alarms = {
        one["Dimensions"][1]["Value"]: one
        for one in of_type("CloudWatch::Alarm", *WITH_HISTORY).values()
        if one["Namespace"] == "AWS/DynamoDB" and len(one["Dimensions"]) > 1
    }

    assert set(alarms) == set(index_names()) >= {"due", "history"}
    for index, one in alarms.items():
        assert one["MetricName"] == "WriteThrottleEvents"
        assert one["Dimensions"] == [
            {"Name": "TableName", "Value": {"Ref": "Table"}},
            {"Name": "GlobalSecondaryIndexName", "Value": index},
        ]
        assert (one["Threshold"], one["ComparisonOperator"]) == (0, "GreaterThanThreshold")
        assert one["TreatMissingData"] == "notBreaching"
    assert "Raise OPTIONS['shards']" in alarms["due"]["AlarmDescription"]
    assert "change OPTIONS['history']" in alarms["history"]["AlarmDescription"]
    assert "WarmWriteUnits" in alarm("ThrottlesTable")["AlarmDescription"]
    assert "quota" in alarm("ThrottlesTable")["AlarmDescription"]


def test_the_dashboard_has_a_line_of_each_index_wherever_it_has_one_of_the_table() -> None:
    (dashboard,) = of_type("CloudWatch::Dashboard", *WITH_HISTORY).values()
    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
    charts = {one["properties"]["title"]: one["properties"]["metrics"] for one in widgets}
    of_table = {title: lines for title, lines in charts.items() if lines[0][0] == "AWS/DynamoDB"}

    assert {lines[0][1] for lines in of_table.values()} == {
        *("ConsumedWriteCapacityUnits", "WriteThrottleEvents"),
        *("WriteKeyRangeThroughputThrottleEvents", "WriteAccountLimitThrottleEvents"),
    }
    for lines in of_table.values():
        (own, *others) = lines
        assert own[2:] == ["TableName", "shop-dev-tasks"]
        assert others == [[*own, "GlobalSecondaryIndexName", index] for index in index_names()]


def test_an_alarm_of_late_messages_names_what_limits_the_workers_of_that_queue() -> None:
    queues = {"default": QueueOptions(), "fast": QueueOptions(pollers=(2, 20))}
    alarms = of_type("CloudWatch::Alarm", options(queues=queues))

    assert "raise ConcurrencyDefault," in alarms["AlarmOldestMessageDefault"]["AlarmDescription"]
    assert "raise the pollers of 'fast'," in alarms["AlarmOldestMessageFast"]["AlarmDescription"]


def test_without_lambda_backend_only_sweeps_can_be_dropped() -> None:
    dropped = [name for name in of_type("CloudWatch::Alarm") if "Dropped" in name]

    assert dropped == ["AlarmDroppedSweeper"]


def test_the_dashboard_shows_every_queue_function_and_the_table_side_by_side() -> None:
    (dashboard,) = of_type("CloudWatch::Dashboard").values()

    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]

    shown = {str(series[-1]) for widget in widgets for series in widget["properties"]["metrics"]}
    assert shown == {
        *("shop-dev-default", "shop-dev-reports", "shop-dev-default-dead", "shop-dev-reports-dead"),
        *("shop-dev-default-worker", "shop-dev-reports-worker", "shop-dev-dead-letter", "shop-dev-sweeper"),
        *("shop-dev", "shop-dev-tasks", "due"),
    }
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(places)
    assert {widget["properties"]["region"] for widget in widgets} == {"${AWS::Region}"}
