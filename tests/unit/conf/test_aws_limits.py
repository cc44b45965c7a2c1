"""Our limits are those of AWS, where botocore's service models have them."""

from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import pytest
from botocore.loaders import Loader

from django_offload.aws import secrets
from django_offload.conf import aws_limits
from django_offload.conf.queue_options import LONGEST_TIMEOUT, MOST_ATTEMPTS, QUEUE_BOUNDS
from django_offload.conf.schedules import NAME_PATTERN
from django_offload.conf.validation import BUCKET_PATTERN, FUNCTION_PATTERN, TABLE_PATTERN
from django_offload.stack import limits, schedules
from django_offload.stores.listing import MOST_READ


@cache
def shapes(service: str) -> dict[str, Any]:
    model: dict[str, Any] = Loader().load_service_model(service, "service-2")["shapes"]
    return model


@pytest.mark.parametrize(
    ("service", "shape", "low", "high"),
    [
        ("lambda", "MemorySize", *aws_limits.FUNCTION_MEMORY),
        ("lambda", "BatchSize", *aws_limits.MAPPING_BATCH),
        ("lambda", "MaximumBatchingWindowInSeconds", 0, aws_limits.MAPPING_WINDOW.total_seconds()),
        ("lambda", "MaximumConcurrency", aws_limits.MAPPING_CONCURRENCY[0], None),
        # The model has the bounds of all kinds of queues and streams, and those of SQS in words.
        ("lambda", "MinimumNumberOfPollers", None, aws_limits.MAPPING_LEAST_POLLERS[1]),
        ("lambda", "MaximumNumberOfPollers", None, aws_limits.MAPPING_POLLERS[1]),
        ("scheduler", "Name", 1, aws_limits.SCHEDULE_NAME),
        ("scheduler", "ScheduleExpression", 1, aws_limits.SCHEDULE_EXPRESSION),
        ("scheduler", "Description", 0, aws_limits.SCHEDULE_DESCRIPTION),
        ("scheduler", "MaximumRetryAttempts", 0, schedules.MOST_RETRIES),
        ("scheduler", "MaximumEventAgeInSeconds", None, schedules.LONGEST_SECONDS),
        ("lambda", "MaximumRetryAttempts", 0, limits.EVENT_RETRIES),
        (
            "lambda",
            "MaximumEventAgeInSeconds",
            limits.SWEEP_AGE.total_seconds(),
            limits.EVENT_AGE.total_seconds(),
        ),
        ("events", "RuleName", 1, aws_limits.RULE_NAME),
        ("dynamodb", "KeyList", 1, MOST_READ),
        ("ssm", "ParameterNameList", 1, secrets.MOST_PARAMETERS),
        ("s3", "ObjectKey", 1, None),
    ],
)
def test_a_limit_is_that_of_the_service_model(
    service: str, shape: str, low: float | None, high: float | None
) -> None:
    model = shapes(service)[shape]

    assert low is None or model.get("min") == low
    # Lambda's quotas are lower than what its model takes for some numbers, never higher.
    assert high is None or model["max"] >= high


def test_the_longest_timeout_is_that_of_some_service_model() -> None:
    # 900 s before botocore 1.44.8, 1,800 s or more since.
    most = shapes("lambda")["Timeout"].get("max", aws_limits.FUNCTION_TIMEOUT.total_seconds())

    assert timedelta(seconds=900) == aws_limits.FUNCTION_TIMEOUT_EVERYWHERE
    assert most >= aws_limits.FUNCTION_TIMEOUT_EVERYWHERE.total_seconds()
    assert timedelta(seconds=1_800) == aws_limits.FUNCTION_TIMEOUT == LONGEST_TIMEOUT


def test_the_names_of_a_table_are_those_of_the_service_model() -> None:
    model = shapes("dynamodb")["TableName"]

    assert (model["min"], model["max"]) == aws_limits.TABLE_NAME
    assert model["pattern"] == "[a-zA-Z0-9_.-]+"
    assert shapes("scheduler")["ScheduleExpressionTimezone"]["max"] >= max(map(len, available_timezones()))


def test_every_setting_within_our_bounds_is_within_those_of_aws() -> None:
    longest_window = timedelta(seconds=QUEUE_BOUNDS["batch_window"][1])

    assert (
        timedelta(seconds=limits.visibility(LONGEST_TIMEOUT, longest_window)) <= aws_limits.QUEUE_VISIBILITY
    )
    assert MOST_ATTEMPTS + limits.RECEIVES_BEYOND_ATTEMPTS <= aws_limits.QUEUE_RECEIVES
    stack, queue = "s" * 26, "q" * 30
    assert len(f"{stack}-{queue}-worker") <= aws_limits.FUNCTION_NAME
    assert len(f"{stack}-dead-letter") <= aws_limits.FUNCTION_NAME
    assert len(f"{stack}-{queue}-dead") <= aws_limits.QUEUE_NAME
    assert len(f"{stack}-payloads-{'0' * 12}-ap-southeast-1") <= aws_limits.BUCKET_NAME[1]
    assert len(f"{stack}-sweeper") <= aws_limits.RULE_NAME
    assert NAME_PATTERN.fullmatch("n" * (aws_limits.SCHEDULE_NAME + 1)) is None
    assert max(limits.timeouts(LONGEST_TIMEOUT)) <= aws_limits.FUNCTION_TIMEOUT.total_seconds()


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [(TABLE_PATTERN, 3, 255), (BUCKET_PATTERN, 3, 63), (FUNCTION_PATTERN, 1, 64)],
)
def test_a_name_has_the_length_that_aws_takes(pattern: Any, shortest: int, longest: int) -> None:
    assert pattern.fullmatch("a" * shortest)
    assert pattern.fullmatch("a" * longest)
    assert not pattern.fullmatch("a" * (longest + 1))
    assert not pattern.fullmatch("a" * (shortest - 1))
