"""The functions of the template, their logs, and the sweeper's schedule."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from django_offload.conf.schedules import Recurrence
from django_offload.worker.sweep_event import GROUPS
from tests.unit.stack.examples import document, evaluated, of_type, options, properties

ROOT = Path(__file__).resolve().parents[3]


def test_each_queue_has_a_worker_and_the_stack_a_dead_letter_function_and_a_sweeper() -> None:
    handlers = {one["FunctionName"]: one["Handler"] for one in of_type("Lambda::Function").values()}

    assert handlers == {
        "shop-dev-default-worker": "lambdas.worker.handler",
        "shop-dev-reports-worker": "lambdas.worker.handler",
        "shop-dev-dead-letter": "lambdas.dead_letter.handler",
        "shop-dev-sweeper": "lambdas.sweeper.handler",
        "shop-dev-migrate": "lambdas.migrate.handler",
    }


def test_a_worker_has_its_queues_timeout_and_memory() -> None:
    worker = properties("FunctionReportsWorker")

    assert (int(worker["Timeout"]), worker["MemorySize"]) == (120, 1024)


def test_a_stage_may_size_a_worker_otherwise() -> None:
    stage = evaluated(parameters={"TimeoutReports": "600", "MemoryReports": 3008})

    worker = stage.of_type("Lambda::Function")["FunctionReportsWorker"]

    assert (worker["Timeout"], worker["MemorySize"]) == ("600", 3008)


def test_only_workers_may_send_to_the_queue_that_feeds_them() -> None:
    allowed = {
        name for name, one in of_type("Lambda::Function").items() if one.get("RecursiveLoop") == "Allow"
    }

    assert allowed == {"FunctionDefaultWorker", "FunctionReportsWorker"}


def test_the_environment_contains_what_a_function_would_otherwise_ask_aws_for() -> None:
    for function in of_type("Lambda::Function").values():
        variables = dict(function["Environment"]["Variables"])
        urls = variables.pop("OFFLOAD_QUEUE_URLS")["Fn::Sub"]

        assert json.loads(re.sub(r"\$\{(\w+)\}", r"url of \1", urls)) == {
            "default": "url of QueueDefault",
            "reports": "url of QueueReports",
        }
        assert variables == {
            "PYTHONPATH": "/var/task/django_app",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "OFFLOAD_STACK": "shop-dev",
            "OFFLOAD_BUCKET": {"Ref": "PayloadBucket"},
            "OFFLOAD_ALIAS": "live",
            "OFFLOAD_RELEASE": "none",
            "OFFLOAD_WRITES": "update",
            "OFFLOAD_SHARDS": "2/64",
        }


def test_code_processor_and_python_come_from_parameters() -> None:
    parameters = {"CodeBucket": "code", "CodeKey": "1.zip", "Architecture": "arm64", "Runtime": "python3.12"}

    for function in evaluated(parameters=parameters).of_type("Lambda::Function").values():
        assert function["Code"] == {"S3Bucket": "code", "S3Key": "1.zip"}
        assert function["Architectures"] == ["arm64"]
        assert function["Runtime"] == "python3.12"


def test_a_stage_can_choose_the_pythons_that_the_library_is_tested_with() -> None:
    runtime = document()["Parameters"]["Runtime"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]

    prefix = "Programming Language :: Python :: 3."
    versions = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith(prefix)]
    assert runtime["AllowedValues"] == [f"python{version}" for version in versions]
    assert runtime["Default"] == runtime["AllowedValues"][-1]


def test_every_function_writes_to_a_log_group_that_expires() -> None:
    stage = evaluated(parameters={"LogRetentionDays": 7})
    groups = stage.of_type("Logs::LogGroup")

    for function in stage.of_type("Lambda::Function").values():
        group = groups.pop(function["LoggingConfig"]["LogGroup"]["Ref"])
        assert group["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"
        assert group["RetentionInDays"] == 7
    # The web's log group remains, because Zappa deploys its function.
    assert [(name, group["RetentionInDays"]) for name, group in groups.items()] == [("LogGroupWeb", 7)]


def test_functions_may_have_names_of_their_own() -> None:
    renamed = options(functions={"reports-worker": "heavy", "sweeper": "broom"})

    names = {one["FunctionName"] for one in of_type("Lambda::Function", renamed).values()}

    assert names == {
        "shop-dev-default-worker",
        "heavy",
        "shop-dev-dead-letter",
        "broom",
        "shop-dev-migrate",
    }


def test_only_its_own_rule_starts_the_sweeper_every_minute() -> None:
    rule = properties("SweeperSchedule")

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["State"] == "ENABLED"
    assert rule["Targets"][0]["Arn"] == {"Ref": "AliasSweeper"}
    assert rule["Targets"][0]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["FailedEvents", "Arn"]}}
    assert properties("SweeperSchedulePermission") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "AliasSweeper"},
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": ["SweeperSchedule", "Arn"]},
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }


def test_both_aliases_of_the_sweeper_always_point_to_the_same_version() -> None:
    """A deployment and a rollback change the version, and CloudFormation moves what refers to it."""
    live, shards = properties("AliasSweeper"), properties("AliasSweeperShards")

    assert (live.pop("Name"), shards.pop("Name")) == ("live", "shards")
    assert live == shards
    assert shards["FunctionVersion"] == {"Fn::GetAtt": ["VersionSweeper", "Version"]}


def test_a_group_of_shards_is_given_up_at_once_and_schedules_are_still_retried() -> None:
    every_hour = Recurrence(task="shop.tasks.report", when="rate(1 hour)")
    several = options(schedules={"hourly": every_hour})

    scheduled, group = (properties(name, several) for name in ("EventsSweeper", "EventsSweeperShards"))

    assert (scheduled["Qualifier"], scheduled["MaximumRetryAttempts"]) == ("live", 2)
    assert scheduled["MaximumEventAgeInSeconds"] == 3_600
    assert (group["Qualifier"], group["MaximumRetryAttempts"]) == ("shards", 0)
    assert group["MaximumEventAgeInSeconds"] == 60
    # Lambda counts how often an event led to an invocation of one function, and stops it after 16.
    assert 1 + max(GROUPS) < 16


def test_every_parameter_has_a_description_and_only_the_code_has_no_default() -> None:
    parameters = document()["Parameters"]

    assert {name for name, one in parameters.items() if "Default" not in one} == {"CodeBucket", "CodeKey"}
    assert all(one["Description"].endswith(".") for one in parameters.values())


@pytest.mark.parametrize("section", ["Parameters", "Conditions", "Resources", "Outputs"])
def test_one_alias_twice_makes_the_same_stack_as_once(section: str) -> None:
    twice = document(options(), options("other"))

    assert twice[section] == document()[section]
