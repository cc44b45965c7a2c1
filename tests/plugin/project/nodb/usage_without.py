"""A project without a database."""

from orders.tasks import fetch

from django_offload.compat import TaskResultStatus


def test_run(offload):
    result = fetch.enqueue(5)

    assert offload.run() == 1

    result.refresh()
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, "order 5")


def test_kill(offload):
    result = fetch.enqueue(5)
    offload.kill_next()

    offload.run()

    result.refresh()
    assert result.attempts == 2
