"""List every resource that the local stand-in for AWS doesn't create, and so no local test exercises."""

from django_offload.conf.schedules import Recurrence
from tests.unit.stack.examples import document, evaluated, options

NIGHTLY = Recurrence(task="shop.tasks.report", when="cron(0 3 * * ? *)", timezone="Europe/Zurich", args=(7,))
BOTH = (options(schedules={"nightly": NIGHTLY}), options("direct", transport="lambda"))
FUNCTIONS = ["DeadLetter", "DefaultWorker", "ReportsWorker", "Sweeper"]
QUEUES = ["DeadLetterQueueDefault", "DeadLetterQueueReports", "FailedEvents", "QueueDefault", "QueueReports"]
ALARMED = ["DeadLetter", "DefaultWorker", "ReportsWorker", "Sweeper", "Web"]
NOT_LOCAL = {
    "Lambda::Version": [f"Version{name}" for name in FUNCTIONS],
    "Lambda::Alias": [*(f"Alias{name}" for name in FUNCTIONS), "AliasSweeperShards"],
    "Lambda::EventInvokeConfig": [
        *("EventsDefaultWorker", "EventsReportsWorker", "EventsSweeper", "EventsSweeperShards")
    ],
    "SQS::QueuePolicy": [f"{name}Policy" for name in QUEUES],
    "S3::BucketPolicy": ["PayloadBucketPolicy"],
    "SNS::Topic": ["AlarmTopic"],
    "SNS::TopicPolicy": ["AlarmTopicPolicy"],
    "Scheduler::ScheduleGroup": ["ScheduleGroup"],
    "Scheduler::Schedule": ["DefaultNightlySchedule"],
    "IAM::Role": ["RoleScheduler"],
    "CloudWatch::Alarm": [
        "AlarmDeadLettersDefault",
        "AlarmDeadLettersReports",
        "AlarmDroppedDefaultWorker",
        "AlarmDroppedReportsWorker",
        "AlarmDroppedSweeper",
        *(f"AlarmErrors{name}" for name in ALARMED),
        "AlarmFailedEvents",
        "AlarmOldestMessageDefault",
        "AlarmOldestMessageReports",
        "AlarmOldestRunning",
        "AlarmSweeperSilent",
        *(
            f"AlarmThrottles{name}"
            for name in ("DeadLetter", "DefaultWorker", "DueIndex", *ALARMED[2:4], "Table", "Web")
        ),
        "AlarmUntakenDeadLettersDefault",
        "AlarmUntakenDeadLettersReports",
    ],
}
EVERYTHING = {
    "AlarmEmail": "ops@example.com",
    "BoardEnabled": "true",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1",
}


def test_every_resource_that_is_not_created_locally_is_listed_here() -> None:
    whole = evaluated(*BOTH, parameters=EVERYTHING).resources
    local = evaluated(*BOTH, parameters={**EVERYTHING, "MappingsEnabled": "false"}).resources

    assert set(whole) == set(document(*BOTH)["Resources"])
    missing: dict[str, list[str]] = {}
    for name in sorted(set(whole) - set(local)):
        missing.setdefault(whole[name]["Type"].removeprefix("AWS::"), []).append(name)
    assert missing == NOT_LOCAL


def test_without_aliases_nothing_refers_to_one() -> None:
    local = evaluated(*BOTH, parameters={"MappingsEnabled": "false"})

    assert "'Alias" not in str(local.resources)
    assert {one["Enabled"] for one in local.of_type("Lambda::EventSourceMapping").values()} == {False}
    assert local.resources["SweeperSchedule"]["Properties"]["State"] == "DISABLED"


def test_a_pause_stops_mappings_and_schedule_and_removes_nothing() -> None:
    paused, running = evaluated(*BOTH, parameters={"Paused": "true"}), evaluated(*BOTH)

    assert set(paused.resources) == set(running.resources)
    assert {one["Enabled"] for one in paused.of_type("Lambda::EventSourceMapping").values()} == {False}
    assert paused.resources["SweeperSchedule"]["Properties"]["State"] == "DISABLED"
