"""How aliases become one stack, and which options must agree."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from django_offload.conf import QueueOptions
from django_offload.conf.schedules import Recurrence
from django_offload.exceptions import ConfigurationError
from tests.unit.stack.examples import REPORTS, document, of_type, options, properties


def names(*several: Any) -> list[str]:
    return [
        one["QueueName"] for name, one in of_type("SQS::Queue", *several).items() if name.startswith("Queue")
    ]


def test_the_queues_of_all_aliases_are_merged_in_their_order() -> None:
    first = options(queues={"default": QueueOptions(), "reports": REPORTS})
    second = options("other", queues={"reports": REPORTS, "photos": QueueOptions()})

    assert names(first, second) == ["shop-dev-default", "shop-dev-reports", "shop-dev-photos"]


@pytest.mark.parametrize(
    "changed",
    [
        {"timeout": timedelta(seconds=30)},
        {"memory": 2048},
        {"batch_size": 2},
        {"batch_window": timedelta(seconds=1)},
        {"max_concurrency": 20},
        {"pollers": (2, 20)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_two_aliases_may_not_contradict_each_other_about_a_queue(changed: dict[str, Any]) -> None:
    other = options("other", queues={"reports": replace(REPORTS, **changed)})
    key = next(iter(changed))

    with pytest.raises(ConfigurationError) as raised:
        names(options(), other)

    assert str(raised.value) == (
        f"TASKS['other']: OPTIONS['queues']['reports']['{key}'] differs from that of another alias with this "
        "queue and stack. Give both the same value, or a stack of their own. An option that is left out has "
        "its default."
    )


@pytest.mark.parametrize(
    "changed",
    [
        *({"table": "ours"}, {"bucket": None}, {"functions": {"sweeper": "broom"}}, {"stack": "x-y"}),
        {"enqueues_per_root": 5},
    ],
)
def test_two_aliases_may_not_contradict_each_other_about_the_stack(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(changed))}'] differs from that of TASKS"):
        names(options(), options("other", **changed))


@pytest.mark.parametrize("first", ["both", "sharded"])
@pytest.mark.parametrize("other", [False, True, "both", "sharded"])
def test_all_aliases_write_for_the_sharded_history_or_none(first: str, other: bool | str) -> None:
    """Otherwise the list would lack the records of some of them."""
    aliases = [options(history=first), options("other", history=other)]

    for several in (aliases, aliases[::-1]):
        if first == other:
            assert properties("Table", *several) == properties("Table", options(history=first))
        else:
            with pytest.raises(ConfigurationError, match=r"OPTIONS\['history'\] differs from that of TASKS"):
                names(*several)


def test_one_alias_with_a_history_of_a_single_index_has_it_for_all() -> None:
    for several in ([False, True], [True, False]):
        table = properties("Table", *(options(f"alias{value}", history=value) for value in several))
        assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["due", "history"]


@pytest.mark.parametrize(
    ("shards", "said"), [([1], "1/64"), ([2, 2], "2/64"), ([32, 2], "32/64"), ([2, 64], "64/64")]
)
def test_every_function_says_how_many_shards_the_stack_writes_to_and_reads(
    shards: list[int], said: str
) -> None:
    """A deployment reads it off the live sweeper, before it changes the shards or rolls back."""
    functions = of_type(
        "Lambda::Function", *(options(f"a{n}", shards=count) for n, count in enumerate(shards))
    )

    assert {one["Environment"]["Variables"]["OFFLOAD_SHARDS"] for one in functions.values()} == {said}


def test_the_largest_attempts_of_the_aliases_count() -> None:
    few, many = (options(queues={"default": QueueOptions(max_attempts=count)}) for count in (2, 9))

    for several in ([few, many], [many, few]):
        assert properties("QueueDefault", *several)["RedrivePolicy"]["maxReceiveCount"] == 19


@pytest.mark.parametrize(
    ("first", "second"),
    [("high-low", "high_low"), ("mail", "mail-dead"), ("mail", "Mail")],
)
def test_two_queues_may_not_become_one_resource(first: str, second: str) -> None:
    both = options(queues={first: QueueOptions(), second: QueueOptions()})

    with pytest.raises(ConfigurationError, match="Rename one of them") as raised:
        names(both)

    assert f"'{first}' and '{second}' would be one resource in AWS" in str(raised.value)


@pytest.mark.parametrize("alias", ["default", "shop.tasks", "my alias", "zürich", "", "a" * 300, "a-b"])
def test_a_schedule_of_any_alias_has_a_logical_id(alias: str) -> None:
    task = "shop.tasks." + "x" * 600
    schedules = {"nightly-run": Recurrence(task=task, when="rate(1 hour)")}

    resources = document(options(alias=alias, schedules=schedules))["Resources"]

    (logical_id,) = [name for name, one in resources.items() if one["Type"] == "AWS::Scheduler::Schedule"]
    schedule = resources[logical_id]["Properties"]
    assert re.fullmatch("[A-Za-z0-9]{1,255}", logical_id)
    assert len(schedule["Description"]) == 512
    assert json.loads(schedule["Target"]["Input"])["alias"] == alias
    if alias in {"default", "a-b"}:  # As it was deployed before.
        assert logical_id == {"default": "DefaultNightlyRunSchedule", "a-b": "ABNightlyRunSchedule"}[alias]
