"""What the page on what a worker keeps between tasks shows, run."""

import contextlib

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from tests.docs.worker_process import generator_that_is_closed


@pytest.mark.django_db(transaction=True)
def test_a_generator_that_is_closed_leaves_no_transaction():
    User.objects.create(username="ada")
    names = {"contextlib": contextlib, "transaction": transaction, "Row": User}

    exec(generator_that_is_closed(), names)  # noqa: S102, our own page

    assert names["first"].username == "ada"
    assert not connection.in_atomic_block
