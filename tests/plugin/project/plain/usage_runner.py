"""Django's own runner, without pytest."""

from django.test import TestCase
from orders.tasks import fetch

from django_offload.testing import Offload


class WithoutPytest(TestCase):
    def test_run(self):
        offload = self.enterContext(Offload().active())
        with self.captureOnCommitCallbacks(execute=True):
            result = fetch.enqueue(3)

        assert offload.run() == 1
        result.refresh()
        assert result.return_value == "order 3"
