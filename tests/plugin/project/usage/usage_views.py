"""Through the project's view, and back to its page of the task."""

import pytest
from orders.models import Receipt


@pytest.mark.django_db
def test_in_the_transaction_of_a_test(client, offload, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/orders/7/receipt/")

    assert answer.status_code == 202
    assert offload.run() == 1
    status = client.get(answer["Location"]).json()
    assert (status["status"], status["return_value"]) == ("SUCCESSFUL", "receipt of 7")
    assert Receipt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_in_a_test_that_commits(client, offload):
    answer = client.post("/orders/8/receipt/")

    assert offload.run() == 1
    assert client.get(answer["Location"]).json()["return_value"] == "receipt of 8"
