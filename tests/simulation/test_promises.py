"""The protocol keeps each of its promises."""

import pytest

from .promises import PROMISES


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_protocol_promises_that(promise):
    promise()
