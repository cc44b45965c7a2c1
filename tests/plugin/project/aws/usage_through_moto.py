"""Tasks that go through AWS's interfaces on this machine."""

import pytest
from orders.models import Receipt
from orders.tasks import fetch, send

from django_offload.compat import TaskResultStatus


@pytest.mark.django_db
def test_through_the_view(client, offload_aws, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/orders/7/receipt/")

    assert offload_aws.run() == 1
    assert client.get(answer["Location"]).json()["return_value"] == "receipt of 7"
    assert Receipt.objects.count() == 1


@pytest.mark.django_db
def test_the_number_warns_that_the_commit_never_comes(offload_aws):
    fetch.enqueue(1)

    assert repr(offload_aws.run()).startswith("0 (1 task waits for a commit that never comes")


@pytest.mark.parametrize("alias", ["default", "direct"])
def test_a_worker_dies_and_another_goes_on(offload_aws, alias):
    result = fetch.using(backend=alias).enqueue(1)
    offload_aws.kill_next()

    offload_aws.run(skip=False)
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.RUNNING, 1)

    offload_aws.run()
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)


def test_every_worker_dies(offload_aws):
    result = fetch.enqueue(1)
    for _ in range(3):
        offload_aws.kill_next()

    offload_aws.run()

    result.refresh()
    assert result.errors[-1].exception_class_path.endswith("WorkerLost")


def test_a_dying_worker_fails_its_whole_batch(offload_aws):
    results = [send.enqueue(number) for number in range(5)]
    offload_aws.kill_next()

    offload_aws.run()

    for result in results:
        result.refresh()
    assert {result.status for result in results} == {TaskResultStatus.SUCCESSFUL}
