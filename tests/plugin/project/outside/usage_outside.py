"""Tests that `python -m unittest` runs, outside Django's test environment."""

import unittest

import django

django.setup()

from orders.tasks import fetch, greet  # noqa: E402

from django_offload.testing import OffloadTestMixin  # noqa: E402


class WithTheMixin(OffloadTestMixin, unittest.TestCase):
    def test_run(self):
        result = fetch.enqueue(3)

        assert self.offload.run() == 1

        result.refresh()
        assert result.return_value == "order 3"

    def test_nothing_is_left_of_another_test(self):
        assert self.offload.run() == 0


class WithTheMixinAndCoroutines(OffloadTestMixin, unittest.IsolatedAsyncioTestCase):
    async def test_coroutine(self):
        result = await greet.aenqueue("Ada")

        assert await self.offload.arun() == 1

        await result.arefresh()
        assert result.return_value == "Hello, Ada"
