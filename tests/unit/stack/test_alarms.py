"""What is watched: the alarms, and the dashboard."""

import json
from typing import Any

from tests.unit.stack.examples import evaluated, of_type, options

BOTH = (options(), options("direct", transport="lambda"))


def alarm(name: str, **parameters: object) -> dict[str, Any]:
    found: dict[str, Any] = evaluated(*BOTH, parameters=parameters).resources[f"Alarm{name}"]["Properties"]
    return found


def watched(name: str) -> tuple[str, str, object]:
    found = alarm(name)
    return found["Namespace"], found["MetricName"], found["Dimensions"][0]["Value"]


def test_what_must_not_go_unseen_is_watched() -> None:
    assert watched("DeadLettersReports") == (
        "AWS/SQS",
        "NumberOfMessagesReceived",
        {"Fn::GetAtt": ["DeadLetterQueueReports", "QueueName"]},
    )
    assert watched("OldestMessageReports") == (
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        {"Fn::GetAtt": ["QueueReports", "QueueName"]},
    )
    assert watched("OldestRunning") == ("DjangoOffload", "OldestRunningSeconds", "shop-dev")
    assert watched("ThrottlesReportsWorker")[1:] == ("Throttles", {"Ref": "FunctionReportsWorker"})
    assert watched("ErrorsReportsWorker")[1:] == ("Errors", {"Ref": "FunctionReportsWorker"})
    assert watched("ThrottlesWeb")[1:] == ("Throttles", "web")
    assert alarm("ErrorsWeb", WebFunction="shop-dev")["Dimensions"][0]["Value"] == "shop-dev"
    assert watched("DroppedReportsWorker")[1:] == ("AsyncEventsDropped", {"Ref": "FunctionReportsWorker"})


def test_a_stage_says_how_old_is_too_old() -> None:
    assert alarm("OldestMessageReports", OldestMessageSeconds=60)["Threshold"] == 60
    assert alarm("OldestRunning", OldestRunningSeconds=7200)["Threshold"] == 7200


def test_one_dead_letter_is_an_alarm_and_no_news_is_none() -> None:
    dead = alarm("DeadLettersDefault")

    assert (dead["Threshold"], dead["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert dead["TreatMissingData"] == "notBreaching"


def test_dead_letters_that_nobody_takes_are_an_alarm() -> None:
    waiting = alarm("UntakenDeadLettersReports")

    assert watched("UntakenDeadLettersReports") == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"Fn::GetAtt": ["DeadLetterQueueReports", "QueueName"]},
    )
    # Never none for a quarter of an hour: those that are taken lie for seconds.
    assert (waiting["Statistic"], waiting["Period"]) == ("Minimum", 900)
    assert (waiting["Threshold"], waiting["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_a_sweeper_of_which_nothing_is_heard_is_an_alarm() -> None:
    silent = alarm("SweeperSilent")

    assert (silent["Threshold"], silent["ComparisonOperator"]) == (1, "LessThanThreshold")
    assert silent["TreatMissingData"] == "breaching"
    assert alarm("SweeperSilent", Paused="true")["TreatMissingData"] == "notBreaching"


def test_where_nothing_is_invoked_only_the_sweeps_can_be_dropped() -> None:
    dropped = [name for name in of_type("CloudWatch::Alarm") if "Dropped" in name]

    assert dropped == ["AlarmDroppedSweeper"]


def test_the_dashboard_shows_every_queue_function_and_the_table_side_by_side() -> None:
    (dashboard,) = of_type("CloudWatch::Dashboard").values()

    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]

    shown = {str(metric[-1]) for widget in widgets for metric in widget["properties"]["metrics"]}
    assert shown == {
        *("shop-dev-default", "shop-dev-reports", "shop-dev-default-dead", "shop-dev-reports-dead"),
        *("shop-dev-default-worker", "shop-dev-reports-worker", "shop-dev-dead-letter", "shop-dev-sweeper"),
        *("shop-dev", "shop-dev-tasks"),
    }
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(places)
    assert {widget["properties"]["region"] for widget in widgets} == {"${AWS::Region}"}
