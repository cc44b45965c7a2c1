"""The doctor finds each way in which a stack can contradict TASKS."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from django_offload.management.doctor import finding, functions, storage
from tests.contract.setup import STACK
from tests.integration.doctor import diagnosis, only
from tests.integration.setup import Queues
from tests.unit.management.commands import run

WORKER = f"{STACK}-default-worker"


@pytest.fixture
def broken(aws, _offload_server):
    """Return an AWS to break. The next test gets a new one."""
    yield aws
    _offload_server.deployed_templates.clear()


@pytest.fixture
def set_queue(broken):
    sqs = broken.client("sqs")

    def change(**attributes):
        queue = attributes.pop("queue", "default")
        sqs.set_queue_attributes(
            QueueUrl=Queues(sqs).url(queue), Attributes={key: str(value) for key, value in attributes.items()}
        )

    return change


@pytest.fixture
def set_function(broken):
    return lambda **changes: broken.client("lambda").update_function_configuration(
        FunctionName=WORKER, **changes
    )


def mapping_of(aws, queue):
    (mapping,) = (
        candidate
        for candidate in aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        if candidate["EventSourceArn"].endswith(f":{STACK}-{queue}")
    )
    return mapping


def test_for_readers_each_finding_stands_above_what_mends_it(set_queue):
    set_queue(VisibilityTimeout=30)

    code, output = run("offload_doctor")

    assert code == 1
    assert output.splitlines()[:2] == [
        f"WRONG  The visibility timeout of {STACK}-default is 30 s, but it must be at least 1800 s because "
        "its function may run for 300 s. Otherwise SQS redelivers messages while a worker processes them. "
        "(visibility-too-short)",
        "       → Restart manage.py offload_local.",
    ]
    assert output.splitlines()[-1] == "1 problem found."


def test_dead_letters_that_no_function_takes(aws, queues):
    queues.send("junk", "default-dead")

    assert only("dead-letters-waiting").startswith(f"1 message waits in {STACK}-default-dead")


@pytest.mark.parametrize(
    ("attributes", "expected", "text"),
    [
        ({"MaximumMessageSize": 262_144}, "messages-too-small", "at most 262144 bytes"),
        ({"MessageRetentionPeriod": 86_400}, "retention-too-short", "for 1 day, 0:00:00 instead of 7 days"),
        (
            {"queue": "default-dead", "MessageRetentionPeriod": 604_800},
            "dead-retention-too-short",
            f"The dead-letter queue of {STACK}-default must keep messages longer",
        ),
        ({"RedrivePolicy": ""}, "no-dead-letter-queue", "has no dead-letter queue"),
    ],
)
def test_a_queue_that_contradicts_tasks(set_queue, attributes, expected, text):
    set_queue(**attributes)

    assert text in only(expected)


@pytest.mark.parametrize(
    ("target", "receives", "expected", "text"),
    [
        ("default-dead", 3, "receives-too-few", "after 3 receives, but tasks with 3 attempts need 13"),
        ("reports-dead", 13, "other-dead-letter-queue", "moves failed messages to arn:aws:sqs:"),
    ],
)
def test_a_redrive_policy_that_contradicts_tasks(set_queue, broken, target, receives, expected, text):
    sqs = broken.client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=Queues(sqs).url(target), AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": receives}
    set_queue(RedrivePolicy=json.dumps(policy))

    assert text in only(expected)


@pytest.mark.parametrize("queue", ["default", "reports-dead"])
def test_a_queue_that_is_missing(broken, queue):
    sqs = broken.client("sqs")
    sqs.delete_queue(QueueUrl=Queues(sqs).url(queue))

    assert f"{STACK}-{queue} does not exist." in only(
        "queue-missing" if queue == "default" else "dead-letter-queue-missing"
    )


def test_a_table_that_is_missing(broken):
    broken.client("dynamodb").delete_table(TableName=f"{STACK}-tasks")

    assert only("table-missing") == f"The table {STACK}-tasks does not exist."


@pytest.mark.parametrize(
    ("keys", "expected"), [(["id", "part"], "index-missing"), (["id", "sort"], "other-table")]
)
def test_a_table_of_another_form(broken, keys, expected):
    dynamodb = broken.client("dynamodb")
    dynamodb.delete_table(TableName=f"{STACK}-tasks")
    dynamodb.create_table(
        TableName=f"{STACK}-tasks",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ["HASH", "RANGE"], strict=True)
        ],
    )

    assert "has " in only(expected)


def test_an_index_that_only_the_board_needs(aws, settings):
    """As after a change of the option without a deployment."""
    default = settings.TASKS["default"]
    settings.TASKS = {"default": {**default, "OPTIONS": {**default["OPTIONS"], "history": "sharded"}}}

    assert only("index-missing") == (
        f"The table {STACK}-tasks has no index 'history-sharded' of ['listed', 'enqueued_at'], so the board "
        "can't list all tasks."
    )


def test_a_bucket_that_is_missing(broken):
    s3 = broken.client("s3")
    (name,) = (
        candidate["Name"] for candidate in s3.list_buckets()["Buckets"] if candidate["Name"].startswith(STACK)
    )
    s3.delete_bucket(Bucket=name)

    assert only("bucket-missing") == f"The bucket {name} does not exist."


def test_a_bucket_of_somebody_else(aws, monkeypatch):
    class Forbidding:
        def head_bucket(self, Bucket):
            raise ClientError({"Error": {"Code": "403"}}, "HeadBucket")

    s3, own = Forbidding(), storage.client
    monkeypatch.setattr(storage, "client", lambda service: s3 if service == "s3" else own(service))

    assert re.fullmatch(r"Access to the bucket \S+ is denied\.", only("bucket-forbidden"))


def test_a_function_that_is_missing(broken):
    broken.client("lambda").delete_function(FunctionName=f"{STACK}-sweeper")

    assert only("function-missing") == f"The function {STACK}-sweeper does not exist."


@pytest.mark.parametrize(
    ("changes", "expected", "text"),
    [
        ({"Timeout": 7}, "other-timeout", "has a timeout of 7 s, but TASKS says 300 s."),
        ({"MemorySize": 128}, "memory-too-small", "has 128 MB, but TASKS says 512 MB."),
        (
            {"Environment": {"Variables": {"OFFLOAD_STACK": "shop"}}},
            "function-of-another-stack",
            "has OFFLOAD_STACK=shop in its environment.",
        ),
    ],
)
def test_a_function_that_contradicts_tasks(set_function, changes, expected, text):
    set_function(**changes)

    assert only(expected) == f"The function {WORKER} {text}"


def test_a_timeout_that_a_stage_may_choose_is_told_and_its_queue_measured_by_it(set_function, set_queue):
    set_function(Timeout=120)

    code, findings, report = diagnosis()

    assert (code, findings) == (0, {})
    assert f"The function {WORKER} has a timeout of 120 s, but TASKS says 300 s." in {
        note["text"] for note in report["notes"]
    }

    set_function(Timeout=600)
    assert "at least 3600 s because its function may run for 600 s" in only("visibility-too-short")


def test_a_function_that_cannot_run(aws, monkeypatch):
    own = functions.client("lambda")

    class Failing:
        def __getattr__(self, name):
            return getattr(own, name)

        def get_function_configuration(self, FunctionName):
            configuration = own.get_function_configuration(FunctionName=FunctionName)
            failed = {"State": "Failed", "StateReason": "Its role is gone."}
            return configuration | (failed if FunctionName == WORKER else {})

    clients = {"lambda": Failing(), "events": functions.client("events")}
    monkeypatch.setattr(functions, "client", clients.__getitem__)

    assert only("function-failed") == f"The function {WORKER} can't run: Its role is gone."


def test_a_mapping_that_is_missing(broken):
    broken.client("lambda").delete_event_source_mapping(UUID=mapping_of(broken, "reports")["UUID"])

    assert only("mapping-missing") == (
        f"No event source mapping feeds the function {STACK}-reports-worker from {STACK}-reports."
    )


def test_a_mapping_that_contradicts_tasks(broken):
    awslambda, before = broken.client("lambda"), mapping_of(broken, "default")
    awslambda.delete_event_source_mapping(UUID=before["UUID"])
    awslambda.create_event_source_mapping(
        EventSourceArn=before["EventSourceArn"],
        FunctionName=WORKER,
        BatchSize=7,
        MaximumBatchingWindowInSeconds=20,
        Enabled=False,
    )

    code, findings, _ = diagnosis()

    assert (code, set(findings)) == (
        1,
        {"no-partial-batch", "other-batch-size", "other-batch-window", "no-concurrency-limit"},
    )
    assert "read in batches of 7, but TASKS says 1." in findings["other-batch-size"]["text"]
    assert "waits 20 s for a batch to fill, but TASKS says 0 s." in findings["other-batch-window"]["text"]
    assert "no limit of concurrent workers, but TASKS says 10." in findings["no-concurrency-limit"]["text"]


def test_another_number_of_workers_than_tasks_says_is_told_and_may_be_the_stages_choice(broken):
    awslambda, before = broken.client("lambda"), mapping_of(broken, "default")
    awslambda.delete_event_source_mapping(UUID=before["UUID"])
    awslambda.create_event_source_mapping(
        EventSourceArn=before["EventSourceArn"],
        FunctionName=WORKER,
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 3},
        Enabled=False,
    )

    code, findings, report = diagnosis()

    assert (code, findings) == (0, {})
    assert "other-concurrency" in {note["id"] for note in report["notes"]}
    assert f"{STACK}-default has at most 3 concurrent workers, but TASKS says 10." in {
        note["text"] for note in report["notes"]
    }


@pytest.mark.parametrize(
    ("config", "pollers", "text"),
    [
        ({"MinimumPollers": 2, "MaximumPollers": 9}, (2, 9), None),
        (None, None, None),
        (
            {"MinimumPollers": 2, "MaximumPollers": 9},
            None,
            "shop-mail has the pollers 2 to 9, but TASKS says of AWS's choice.",
        ),
        (None, (2, 20), "shop-mail has the pollers of AWS's choice, but TASKS says 2 to 20."),
        (
            {"MinimumPollers": 5, "MaximumPollers": 20},
            (2, 20),
            "shop-mail has the pollers 5 to 20, but TASKS says 2 to 20.",
        ),
    ],
)
def test_other_pollers_than_tasks_says_are_found_because_they_cost_money(
    aws, monkeypatch, config, pollers, text
):
    monkeypatch.setattr(finding, "is_loopback", lambda url: False)
    mapping = {} if config is None else {"ProvisionedPollerConfig": config}

    found = [one.text for one in functions.check_pollers("shop", "shop-mail", mapping, pollers)]

    assert found == ([] if text is None else [text])


def test_a_schedule_that_is_missing(broken):
    events = broken.client("events")
    events.remove_targets(Rule=f"{STACK}-sweeper", Ids=["sweeper"])
    events.delete_rule(Name=f"{STACK}-sweeper")

    assert only("schedule-missing").startswith(f"No rule {STACK}-sweeper starts the sweeper")


def test_what_is_disabled_in_aws_itself_is_wrong(aws, monkeypatch):
    monkeypatch.setattr(finding, "is_loopback", lambda url: False)

    code, findings, report = diagnosis()

    # Unlike AWS, moto also ignores the time to live in a template.
    assert (code, set(findings), report["notes"]) == (1, {"disabled", "no-ttl"}, [])
    assert findings["disabled"]["text"].startswith(f"Disabled: the mapping of {STACK}-default, ")
    assert findings["disabled"]["mend"].endswith(
        "CAPABILITY_IAM --parameter-overrides MappingsEnabled=true Paused=false."
    )
    assert findings["no-ttl"]["mend"].startswith(
        f"Enable it: aws dynamodb update-time-to-live --table-name {STACK}-tasks"
    )
