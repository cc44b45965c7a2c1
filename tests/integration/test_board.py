"""The board with a real table, queues and metrics, and the AWS calls of each page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from django_offload.conf import configured
from django_offload.local.aws.cloudwatch import put_metrics
from django_offload.protocol.record import initial_item
from django_offload.protocol.shards import OLD_SHARDS
from django_offload.protocol.transitions import abandon
from django_offload.stores import store_of
from django_offload.stores.dynamodb import LOCAL_SHARDS, attribute
from tests.calls import watched
from tests.contract.records import ERROR, TTL, create_record, enqueued_task, new_id
from tests.contract.setup import STACK
from tests.integration import tasks
from tests.integration.setup import record_of, store

# A list asks each of the few partitions of the local AWS once, both that have records once more, and reads.
MOST_CALLS, MOST_CALLS_OF_A_LIST = 3, LOCAL_SHARDS + OLD_SHARDS + 2 + 1
NOW = datetime.now(UTC)
ADMIN = "admin:django_offload_task_"
PAGES = [
    ("changelist", "list=underway"),
    ("changelist", "list=deferred"),
    ("changelist", "list=failed"),
    ("changelist", "list=dead"),
    ("changelist", "list=underway&queue=reports"),
    ("changelist", "list=underway&name=nobody"),
    ("changelist", "list=underway&state=RUNNING"),
    ("queues", "queue=default"),
    ("queues", "queue=reports&span=24+hours"),
    ("unreadable", ""),
]


@pytest.fixture
def see(aws, staff):
    """Return a function that opens a page of the board and returns the answer and its AWS calls."""

    def open_page(address):
        calls = []
        with watched(lambda service, name, arguments: calls.append(f"{service}:{name}")):
            answer = staff.get(address)
        return answer, calls

    return open_page


@pytest.fixture
def many(aws):
    """As many records as take several pages, put into the table at once."""
    options = configured()["default"]
    dynamodb, enqueued_tasks = (
        aws.client("dynamodb"),
        [enqueued_task(new_id(), queue="reports") for _ in range(150)],
    )
    for start in range(0, len(enqueued_tasks), 25):
        entries = [
            {name: attribute(value) for name, value in initial_item(enqueued).items()}
            | {"part": {"S": "record"}}
            for enqueued in enqueued_tasks[start : start + 25]
        ]
        requests = [{"PutRequest": {"Item": entry}} for entry in entries]
        dynamodb.batch_write_item(RequestItems={options.table: requests})
    for _ in range(2):
        task_id = new_id()
        create_record(store_of(options), enqueued_task(task_id))
        store_of(options).change(task_id, abandon(now=NOW, result_ttl=TTL, error=ERROR))
    return [enqueued.id for enqueued in enqueued_tasks]


def test_a_page_takes_few_calls(many, see):
    for page, query in PAGES:
        address = f"{reverse(f'{ADMIN}{page}')}?{query}"
        see(address)  # What is looked up once per process.

        answer, calls = see(address)

        assert answer.status_code == 200, answer.text
        most = MOST_CALLS_OF_A_LIST if page == "changelist" else MOST_CALLS
        assert 1 <= len(calls) <= most, (query, calls)
        assert calls.count("dynamodb:BatchGetItem") <= 1
        assert not any("Scan" in call for call in calls)


def test_every_page_of_a_list_takes_few_calls_and_all_together_hold_everything(many, see):
    address, ids = f"{reverse(ADMIN + 'changelist')}?list=underway", []

    after, pages = "", 0
    while pages == 0 or after:
        answer, calls = see(f"{address}&after={after}")
        assert len(calls) <= MOST_CALLS_OF_A_LIST
        page = answer.context["page"]
        ids += [record.enqueued.id for record, _ in page.records]
        after, pages = page.cursor, pages + 1

    assert sorted(ids) == sorted(many)
    assert pages == 2


def test_the_page_of_a_task_takes_one_call(aws, see):
    result = tasks.note.enqueue("a")
    aws.run()

    answer, calls = see(reverse(f"{ADMIN}change", args=[result.id]))

    assert answer.context["detail"].returned == '"a"'
    assert calls == ["dynamodb:Query"]


def test_arguments_and_results_in_the_bucket_take_a_call_each(aws, see):
    result = tasks.note.enqueue("x" * 400_000)
    aws.run()
    address = reverse(f"{ADMIN}change", args=[result.id])
    see(address)

    answer, calls = see(address)

    assert answer.context["detail"].returned.startswith('"xxx')
    assert calls == ["dynamodb:Query", "s3:GetObject", "s3:GetObject"]


def test_a_dead_letter_is_redriven_and_runs(aws, staff):
    result = tasks.note.enqueue("a")
    aws.client("sqs").purge_queue(
        QueueUrl=aws.client("sqs").get_queue_url(QueueName=f"{STACK}-default")["QueueUrl"]
    )
    store().change(result.id, abandon(now=NOW, result_ttl=TTL, error=ERROR))

    staff.post(reverse(f"{ADMIN}act"), {"action": "redrive", "id": result.id, "confirmed": "yes"})
    aws.run()

    assert record_of(result.id).status == "SUCCESSFUL"


def test_a_body_that_did_not_verify_is_shown_as_text_and_discarded(aws, queues, see, staff):
    queues.send("<script>alert(1)</script>")
    queues.use_up()
    aws.run()
    address = reverse(f"{ADMIN}unreadable")
    (stored,) = see(address)[0].context["bodies"]

    shown, calls = see(f"{address}?key={stored.key}")
    staff.post(address, {"key": stored.key})

    assert "&lt;script&gt;" in shown.text
    assert "<script>alert" not in shown.text
    assert calls == ["s3:GetObject"]
    assert see(address)[0].context["bodies"] == []


def test_queues_tell_their_depth_now_and_what_cloudwatch_counted(aws, see):
    tasks.note.enqueue("a")
    when = datetime.now(UTC) - timedelta(minutes=3)
    dimensions = [{"Name": "QueueName", "Value": f"{STACK}-default"}]
    for name, value in (("ApproximateNumberOfMessagesVisible", 7), ("ApproximateAgeOfOldestMessage", 65)):
        datum = {"MetricName": name, "Dimensions": dimensions, "Timestamp": when, "Value": value}
        aws.client("cloudwatch").put_metric_data(Namespace="AWS/SQS", MetricData=[datum])

    answer, calls = see(f"{reverse(ADMIN + 'queues')}?queue=default")

    assert answer.context["now"].waiting == 1
    (row,) = [row for row in answer.context["overview"] if row.queue == "default"]
    assert (row.depth, row.age, row.invocations) == (7, 65, 0)
    depth, age, *_ = answer.context["charts"]
    assert depth.summary == "waiting: latest 7, highest 7"
    assert age.summary == "age: latest 65 s, highest 65 s"
    assert [values for _, values in depth.rows] == [["7"]]
    assert 'role="img"' in answer.text
    assert calls.count("cloudwatch:GetMetricData") == 1
    assert calls.count("sqs:GetQueueAttributes") == 2


def test_local_aws_tells_cloudwatch_how_deep_and_how_old_a_queue_is(aws):
    tasks.note.enqueue("a")
    tasks.note.enqueue("b")

    put_metrics(aws._aws.server, aws._aws.invoker)

    maxima = {}
    for name in ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"):
        (point,) = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=name,
            Dimensions=[{"Name": "QueueName", "Value": f"{STACK}-default"}],
            StartTime=datetime.now(UTC) - timedelta(seconds=10),
            EndTime=datetime.now(UTC) + timedelta(seconds=10),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        maxima[name] = point["Maximum"]
    assert maxima["ApproximateNumberOfMessagesVisible"] == 2
    assert 0 < maxima["ApproximateAgeOfOldestMessage"] < 60


def test_what_aws_refuses_is_told_with_what_to_do(aws, see):
    aws.client("dynamodb").delete_table(TableName=f"{STACK}-tasks")
    try:
        answer, _ = see(reverse(f"{ADMIN}changelist"))
    finally:
        aws._aws.reset()

    assert answer.status_code == 503
    assert f"{STACK}-tasks" in answer.text
    assert "Traceback" not in answer.text


def test_a_queue_that_tasks_does_not_name_is_not_found(aws, see):
    assert see(f"{reverse(ADMIN + 'queues')}?queue=nowhere")[0].status_code == 404
