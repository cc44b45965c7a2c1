"""Tasks that wait for a commit, and how a test learns about them."""

import pytest
from django.db import transaction
from django.test import TestCase
from orders.tasks import fetch, write


@pytest.mark.django_db
def test_the_number_warns_that_the_commit_never_comes(offload):
    write.enqueue(1)
    write.enqueue(2)

    runs = offload.run()

    assert (runs, runs.waiting, offload.waiting) == (0, 2, 2)
    assert repr(runs) == (
        "0 (2 tasks wait for a commit that never comes, because the test rolls its transaction back. "
        "Enqueue inside `with self.captureOnCommitCallbacks(execute=True):` (with pytest, "
        "`with django_capture_on_commit_callbacks(execute=True):`). Or let the test commit, with "
        "TransactionTestCase or django_db(transaction=True).)"
    )


@pytest.mark.django_db
def test_an_open_transaction_may_still_commit(offload, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        fetch.enqueue(1)
        assert repr(offload.run()) == (
            "0 (1 task waits for the commit of a transaction that is still open. "
            "Call run() after the commit.)"
        )

    assert repr(offload.run()) == "1"


@pytest.mark.django_db
def test_a_task_that_was_rolled_back_does_not_wait(offload):
    with transaction.atomic():
        fetch.enqueue(1)
        transaction.set_rollback(True)

    assert repr(offload.run()) == "0"


class InDjangosTestCase(TestCase):
    @pytest.fixture(autouse=True)
    def _offload(self, offload):
        self.offload = offload

    def test_captured(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            result = fetch.enqueue(1)

        assert len(callbacks) == 1
        assert self.offload.run() == 1
        result.refresh()
        assert result.return_value == "order 1"

    def test_not_captured(self):
        fetch.enqueue(1)

        assert self.offload.run().waiting == 1
