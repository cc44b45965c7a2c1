"""A project without a database."""

from orders.tasks import fetch

from django_offload.compat import TaskResultStatus


def test_run(offload):
    result = fetch.enqueue(5)

    assert offload.run() == 1

    result.refresh()
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, "order 5")


def test_without_the_fixture(request):
    if request.config.pluginmanager.has_plugin("django"):  # Otherwise this is no test environment of Django.
        assert fetch.get_result(fetch.enqueue(5).id).status == TaskResultStatus.READY


def test_kill(offload):
    result = fetch.enqueue(5)
    offload.kill_next()

    offload.run()

    result.refresh()
    assert result.attempts == 2
