"""Tests that fail because they forget the commit, so that their reports can be checked."""

import pytest
from django.test import TestCase
from orders.tasks import fetch

from django_offload.testing import OffloadTestMixin


@pytest.mark.django_db
def test_that_looks_at_the_number(offload):
    fetch.enqueue(1)

    assert offload.run() == 1


@pytest.mark.django_db
def test_that_looks_at_the_result(offload):
    result = fetch.enqueue(1)
    offload.run()

    result.refresh()


class InDjangosTestCase(TestCase):
    @pytest.fixture(autouse=True)
    def _offload(self, offload):
        self.offload = offload

    def test_that_looks_at_the_result_too(self):
        result = fetch.enqueue(1)
        self.offload.run()

        result.refresh()


class WithTheMixin(OffloadTestMixin, TestCase):
    def test_that_looks_at_the_result_too(self):
        result = fetch.enqueue(1)
        self.offload.run()

        result.refresh()
