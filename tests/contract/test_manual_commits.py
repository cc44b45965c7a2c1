"""With autocommit off, tasks leave at the commit of the project, not when autocommit is turned on again."""

import pytest
from django.db import transaction

from tests.contract import tasks
from tests.contract.outbox_site import messages, rolled_back
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.reliability.databases import write


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES)
    return request.getfixturevalue("offload")


@pytest.fixture
def manual():
    """Manual transaction management, as with AUTOCOMMIT False in DATABASES: nobody turns autocommit on."""
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


def test_in_manual_transaction_management_tasks_leave_at_the_commit(site, manual):
    with transaction.atomic():
        write("order")
        result = tasks.answer.enqueue()
        with rolled_back():
            tasks.answer.enqueue()
    assert (messages(site), result.enqueued_at) == ([], None)

    transaction.commit()

    assert list(site.stores[STACK].records) == [result.id]
    assert result.enqueued_at is not None
    transaction.set_autocommit(True)
    assert len(messages(site)) == 1


def test_in_manual_transaction_management_a_rollback_sends_nothing(site, manual):
    called = []
    with transaction.atomic():
        transaction.on_commit(lambda: called.append(1))
        tasks.answer.enqueue()
    transaction.rollback()
    transaction.commit()
    assert (messages(site), called) == ([], [])

    with transaction.atomic():
        transaction.on_commit(lambda: called.append(2))
        tasks.answer.enqueue()
    transaction.commit()

    assert (len(messages(site)), called) == (1, []), "Django calls the project's own when autocommit is on"
    transaction.set_autocommit(True)
    assert (len(messages(site)), called) == (1, [2])
