"""The mixin for tests of unittest, which do what the fixture `offload` does for tests of pytest."""

from typing import Any
from unittest import TestCase, TestResult

from .memory import Offload


class OffloadTestMixin:
    """
    Gives each test of a class `self.offload`, whose run() runs the tasks that the test has enqueued.

    Name it before the test case: `class OrderTests(OffloadTestMixin, TestCase)`. It works with Django's test
    cases and, outside Django's test environment, with those of unittest.
    """

    offload: Offload

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = cls.__mro__
        if TestCase in bases and bases.index(TestCase) < bases.index(OffloadTestMixin):
            raise TypeError(
                f"{cls.__qualname__} names OffloadTestMixin after its test case, which would ignore it. "
                "Name OffloadTestMixin first."
            )

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run the test, while this process keeps its tasks in memory."""
        with Offload().active() as self.offload:
            outcome: TestResult | None = super().run(result)  # type: ignore[misc]
            return outcome

    def debug(self) -> None:
        """Run the test without catching its exception."""
        with Offload().active() as self.offload:
            super().debug()  # type: ignore[misc]
