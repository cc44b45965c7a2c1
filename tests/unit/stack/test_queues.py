"""The queues of the template, and the mappings that feed functions from them."""

from datetime import timedelta

import pytest

from django_offload.conf import QueueOptions
from django_offload.protocol.record import RECORD_LIFE
from tests.unit.stack.examples import document, evaluated, of_type, options, properties

DAY = 86_400


def test_a_queue_keeps_messages_7_days_and_its_dead_letter_queue_14() -> None:
    assert properties("QueueDefault")["MessageRetentionPeriod"] == 7 * DAY
    assert properties("DeadLetterQueueDefault")["MessageRetentionPeriod"] == 14 * DAY


def test_a_record_outlives_its_message_in_both_queues() -> None:
    queues = [properties(name) for name in ("QueueDefault", "DeadLetterQueueDefault")]

    assert sum(queue["MessageRetentionPeriod"] for queue in queues) < RECORD_LIFE.total_seconds()


def test_a_message_stays_hidden_for_six_timeouts_and_the_batch_window() -> None:
    assert properties("QueueReports")["VisibilityTimeout"] == 6 * 120 + 2


def test_a_fraction_of_a_second_is_rounded_up() -> None:
    timeout = timedelta(seconds=1, milliseconds=100)
    changed = options(queues={"default": QueueOptions(timeout=timeout)})

    assert properties("QueueDefault", changed)["VisibilityTimeout"] == 12
    assert properties("FunctionDefaultWorker", changed)["Timeout"] == "2"


@pytest.mark.parametrize("name", ["Default", "Reports"])
def test_messages_stay_hidden_for_six_times_the_timeout_that_a_stage_chooses(name: str) -> None:
    choices = document()["Parameters"][f"Timeout{name}"]["AllowedValues"]
    window = properties(f"Mapping{name}WorkerFrom{name}")["MaximumBatchingWindowInSeconds"]

    assert {"30", "900", "1200", "1800"} < set(choices)
    for chosen in choices:
        stage = evaluated(parameters={f"Timeout{name}": chosen})
        assert stage.of_type("SQS::Queue")[f"Queue{name}"]["VisibilityTimeout"] == 6 * int(chosen) + window


def test_messages_are_received_ten_times_more_than_the_queue_attempts() -> None:
    changed = options(queues={"default": QueueOptions(max_attempts=7)})

    assert properties("QueueDefault", changed)["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueueDefault", "Arn"]},
        "maxReceiveCount": 17,
    }


def test_a_task_with_more_attempts_than_its_queue_raises_the_receives() -> None:
    raised = properties("QueueDefault", attempts={"default": 8, "reports": 1})

    assert raised["RedrivePolicy"]["maxReceiveCount"] == 18
    assert properties("QueueReports", attempts={"reports": 1})["RedrivePolicy"]["maxReceiveCount"] == 13


def test_every_queue_is_encrypted_and_accepts_the_largest_messages() -> None:
    queues = of_type("SQS::Queue")

    assert {(queue["SqsManagedSseEnabled"], queue["MaximumMessageSize"]) for queue in queues.values()} == {
        (True, 1024 * 1024)
    }
    assert {queue["QueueName"] for queue in queues.values()} == {
        "shop-dev-default",
        "shop-dev-default-dead",
        "shop-dev-reports",
        "shop-dev-reports-dead",
        "shop-dev-failed-events",
    }


def test_a_mapping_feeds_each_worker_with_the_options_of_its_queue() -> None:
    assert properties("MappingReportsWorkerFromReports") == {
        "EventSourceArn": {"Fn::GetAtt": ["QueueReports", "Arn"]},
        "FunctionName": {"Ref": "AliasReportsWorker"},
        "Enabled": True,
        "BatchSize": 5,
        "MaximumBatchingWindowInSeconds": 2,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 4},
    }


def test_a_queue_may_have_pollers_of_its_own_instead_of_a_maximum_of_workers() -> None:
    several = options(queues={"default": QueueOptions(), "fast": QueueOptions(pollers=(2, 20))})
    mapping = properties("MappingFastWorkerFromFast", several)

    assert mapping["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 20}
    # AWS accepts only one of the two.
    assert "ScalingConfig" not in mapping
    assert "ProvisionedPollerConfig" not in properties("MappingDefaultWorkerFromDefault", several)
    assert properties("MappingDeadLetterFromFast", several)["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert "ConcurrencyFast" not in document(several)["Parameters"]


def test_one_function_is_fed_from_every_dead_letter_queue() -> None:
    mappings = of_type("Lambda::EventSourceMapping").values()
    fed = [
        one["EventSourceArn"]["Fn::GetAtt"][0]
        for one in mappings
        if one["FunctionName"]["Ref"] == "AliasDeadLetter"
    ]

    assert fed == ["DeadLetterQueueDefault", "DeadLetterQueueReports"]
    assert all(one["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for one in mappings)
