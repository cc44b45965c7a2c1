"""Tests that ask for nothing, or for the mixin, under either runner."""

import unittest
from datetime import timedelta

from django.core.exceptions import SynchronousOnlyOperation
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.utils import timezone
from orders.models import Receipt
from orders.tasks import fetch, greet, greet_receipt, write

from django_offload.compat import TaskResultDoesNotExist, TaskResultStatus
from django_offload.testing import OffloadTestMixin

EARLIER = []


class Isolated:
    """Each of three tests sees its own task, and none that a test of any class enqueued before."""

    def enqueue_and_look(self):
        for task_id in EARLIER:
            with self.assertRaises(TaskResultDoesNotExist):  # noqa: PT027, unittest's own runs it too
                fetch.get_result(task_id)
        result = fetch.enqueue(1)
        EARLIER.append(result.id)
        if result.enqueued_at is not None:  # In a TestCase it waits for the commit.
            assert fetch.get_result(result.id).status == TaskResultStatus.READY

    test_1 = test_2 = test_3 = enqueue_and_look


class InTestCase(Isolated, TestCase):
    def test_commits(self):
        with self.captureOnCommitCallbacks(execute=True):
            self.enqueue_and_look()

    def test_through_a_view(self):
        with self.captureOnCommitCallbacks(execute=True):
            answer = self.client.post("/orders/7/receipt/")

        assert self.client.get(answer["Location"]).json()["status"] == "READY"
        assert Receipt.objects.count() == 0


class InTransactionTestCase(Isolated, TransactionTestCase):
    pass


class InSimpleTestCase(Isolated, SimpleTestCase):
    pass


class InUnittestsOwn(Isolated, unittest.TestCase):
    pass


class WithTheMixin(Isolated, OffloadTestMixin, TransactionTestCase):
    def test_run(self):
        result = write.enqueue(3)

        assert self.offload.run() == 1

        result.refresh()
        assert result.return_value == "receipt of 3"
        assert Receipt.objects.count() == 1

    def test_many_that_start_later(self):
        later = fetch.using(run_after=timezone.now() + timedelta(days=2))
        results = [*later.enqueue_many([(1,), (2,)])]

        assert self.offload.run() == 2

        for result in results:
            result.refresh()
        assert [result.status for result in results] == ["SUCCESSFUL"] * 2


class WithTheMixinInUnittestsOwn(Isolated, OffloadTestMixin, unittest.TestCase):
    def test_run(self):
        result = fetch.enqueue(3)

        assert self.offload.run() == 1

        result.refresh()
        assert result.return_value == "order 3"


class Asynchronous(OffloadTestMixin, TransactionTestCase):
    async def test_coroutine(self):
        result = await greet.aenqueue("Ada")

        assert await self.offload.arun() == 1

        await result.arefresh()
        assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, "Hello, Ada")

    async def test_a_coroutine_and_a_function_use_the_database(self):
        await Receipt.objects.acreate(order=1)
        greeted = await greet_receipt.aenqueue(1)
        written = await write.aenqueue(2)

        await self.offload.arun()

        await greeted.arefresh()
        await written.arefresh()
        values = [greeted.return_value, written.return_value]
        assert values == ["Hello, receipt of 1", "receipt of 2"]
        assert await Receipt.objects.acount() == 2

    async def test_through_a_view(self):
        answer = await self.async_client.post("/orders/7/receipt/")

        await self.offload.arun()

        status = await self.async_client.get(answer["Location"])
        assert status.json()["return_value"] == "receipt of 7"

    async def test_run_says_what_to_call_instead(self):
        with self.assertRaisesMessage(SynchronousOnlyOperation, "use `await offload.arun()`"):
            self.offload.run()


class AsynchronousInTestCase(OffloadTestMixin, TestCase):
    async def test_the_number_says_what_an_async_test_can_do(self):
        await greet.aenqueue("Ada")

        runs = await self.offload.arun()

        assert repr(runs) == (
            "0 (1 task waits for a commit that never comes, because the test rolls its transaction back. An "
            "async test can't capture its callbacks, so let it commit, with TransactionTestCase or "
            "django_db(transaction=True).)"
        )
