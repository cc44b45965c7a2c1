"""The board of several stacks, and of none."""

from copy import deepcopy

import pytest
from django.test import Client
from django.urls import reverse

from django_offload.compat import TASKS
from django_offload.conf import Options
from django_offload.exceptions import ConfigurationError
from django_offload.stores import use
from django_offload.stores.memory import MemoryStore
from tests.contract.records import create_record, enqueued_task, new_id
from tests.contract.setup import tasks_setting


@pytest.fixture
def second(ours, offload, settings):
    """A second stack, with a store of its own."""
    setting = deepcopy(ours)
    setting["other"]["OPTIONS"]["stack"] = "second"
    settings.TASKS = setting
    with use("second", MemoryStore()) as store:
        yield store


def test_each_stack_has_its_own_lists_and_every_address_names_it(staff, store, second):
    ada, first, other = staff(), new_id(), new_id()
    create_record(store, enqueued_task(first))
    create_record(second, enqueued_task(other, alias="other"))

    assert ada.ids() == [first]
    assert ada.ids(stack="second") == [other]
    page = ada.see(stack="second").text
    assert f"{other}/change/?stack=second" in page
    assert '<input type="hidden" name="stack" value="second">' in page
    assert ada.see(q=other)["Location"].endswith("?stack=second")


def test_an_action_reaches_the_stack_it_is_for(staff, store, second):
    ada, task_id = staff(), new_id()
    create_record(second, enqueued_task(task_id, alias="other"))

    ada.act("cancel", task_id, stack="second")

    assert second.get(task_id)["status"] == "FAILED"


def test_without_a_stack_the_board_says_what_to_do(admin_user, settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"}}
    client = Client()
    client.force_login(admin_user)

    answer = client.get(reverse("admin:django_offload_task_changelist"))

    assert answer.status_code == 503
    assert "TASKS has no backend of django_offload. Add one, as the README shows." in answer.text


@pytest.mark.parametrize("history", ["yes", 1, None, "", "BOTH", ["both"], {"sharded": True}, b"both"])
def test_a_history_is_kept_in_one_of_four_ways(history):
    alias = tasks_setting(modules=[], history=history)["default"]

    with pytest.raises(ConfigurationError, match=r"OPTIONS\['history'\] is") as refusal:
        Options.parse("default", alias)

    assert refusal.value.hint == "Give False, True, 'both' or 'sharded'."


@pytest.mark.parametrize(
    ("history", "listed"), [(False, False), (True, False), ("both", True), ("sharded", True)]
)
def test_two_of_them_list_new_records_in_shards(history, listed):
    options = Options.parse("default", tasks_setting(modules=[], history=history)["default"])

    assert (options.history, options.sharded_history) == (history, listed)
