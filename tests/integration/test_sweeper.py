"""The sweeper: what has no message is sent again, what died is rescued, and nothing is sent twice."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from django_offload.compat import TaskResultStatus
from tests.faults import FailingTransport, LosingTransport, WatchingStore, store_with, transport_with
from tests.integration import tasks
from tests.integration.setup import MINUTE, SECOND, claim_by_another, enqueued_before, record_of


def lost(task, *args):
    """Enqueue a task whose message is lost."""
    with transport_with(LosingTransport):
        return task.enqueue(*args)


def test_nothing_is_swept_before_it_is_due(both):
    lost(tasks.note, "a")

    assert both.sweep(ahead=4 * MINUTE) == {}
    assert both.run() == 0


def test_of_two_sweeps_one_sends(both):
    lost(tasks.note, "a")

    assert [both.sweep(ahead=6 * MINUTE), both.sweep(ahead=6 * MINUTE)] == [{"sent": 1}, {}]
    assert both.run() == 1


def test_of_two_sweepers_at_once_one_sends(aws):
    result = lost(tasks.note, "a")
    answers = []

    def meanwhile(task_id):
        answers.append(aws.sweep(ahead=6 * MINUTE))

    with store_with(lambda inner: WatchingStore(inner, "send again", meanwhile)):
        answers.append(aws.sweep(ahead=6 * MINUTE))

    assert answers == [{"sent": 1}, {"stale": 1}]
    assert aws.run() == 1
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_a_send_that_fails_again_is_due_again_later(aws):
    lost(tasks.note, "a")

    with transport_with(FailingTransport):
        assert aws.sweep(ahead=6 * MINUTE) == {"failed": 1}

    assert aws.sweep(ahead=6 * MINUTE) == {}
    assert aws.sweep(ahead=30 * MINUTE) == {"sent": 1}


def test_a_lost_task_is_sent_a_few_times_and_then_given_up(aws, queues):
    result = lost(tasks.note, "a")
    ahead, said = timedelta(0), []
    while not said or said[-1] != {"ended": 1}:
        due_at = record_of(result.id).due_at
        ahead = due_at - datetime.now(UTC) + SECOND
        said.append(aws.sweep(ahead=ahead))
        if "sent" in said[-1]:
            queues.body()  # Lost again.
        assert len(said) < 10

    assert said == [*[{"sent": 1}] * 5, {"ended": 1}]
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert "DeadLettered" in result.errors[0].traceback


def test_a_worker_that_died_is_replaced(both):
    result = lost(tasks.note, "a")
    enqueued_before(result.id, 10 * MINUTE)
    claim_by_another(result.id, ago=9 * MINUTE, lease=5 * MINUTE)

    assert both.sweep(ahead=10 * MINUTE) == {"sent": 1}
    both.run()

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)


def test_a_task_whose_workers_all_died_is_failed(both):
    result = lost(tasks.note, "a")
    enqueued_before(result.id, 60 * MINUTE)
    for ago in (50, 40, 30):
        claim_by_another(result.id, ago=ago * MINUTE, lease=5 * MINUTE)

    assert both.sweep(ahead=6 * MINUTE) == {"ended": 1}

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 3)
    assert "WorkerLost" in result.errors[-1].traceback


def test_a_live_worker_is_left_alone_and_looked_at_after_its_lease(aws):
    result = tasks.note.enqueue("a")
    claim_by_another(result.id, ago=0 * MINUTE, lease=15 * MINUTE)

    assert aws.sweep(ahead=6 * MINUTE) == {"moved": 1}

    record = record_of(result.id)
    assert record.status == "RUNNING"
    assert record.due_at == record.lease_until


def test_run_after_is_waited_for_by_sqs_itself(aws, queues):
    soon = timezone.now() + 10 * MINUTE
    result = tasks.note.using(run_after=soon).enqueue("a")

    assert aws.run() == 0
    assert queues.counts() == (0, 1)
    record = record_of(result.id)
    assert record.enqueued.run_after == record.not_before == soon
    assert aws.sweep(ahead=6 * MINUTE) == {}


def test_run_after_beyond_what_sqs_can_wait_is_sent_by_the_sweeper_in_time(aws, queues):
    later = timezone.now() + timedelta(hours=2)
    result = tasks.note.using(run_after=later).enqueue("a")

    assert queues.counts() == (0, 0)
    assert aws.sweep(ahead=timedelta(hours=1)) == {}

    assert aws.sweep(ahead=timedelta(hours=2) - 13 * MINUTE) == {"sent": 1}
    assert queues.counts() == (0, 1)
    assert record_of(result.id).not_before == later


def test_ended_tasks_are_not_looked_at(both):
    tasks.note.enqueue("a")
    both.fail_next(OSError("b"))
    tasks.note.enqueue("b")
    both.run()

    assert both.sweep(ahead=timedelta(days=3)) == {}


def test_a_database_that_does_not_answer_does_not_stop_the_sweep(aws, monkeypatch, caplog):
    from django.db import OperationalError

    from django_offload.outbox import drain

    def fails(*args, **kwargs):
        raise OperationalError("the database is away")

    lost(tasks.note, "a")
    monkeypatch.setattr(drain, "drain", fails)

    assert aws.sweep(ahead=6 * MINUTE)["sent"] == 1
    assert "the database is away" in caplog.text
