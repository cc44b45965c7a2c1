"""What tasks and an idle month cost, computed from counts and prices."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from django_offload.stack import StackSpec, spec_of, stacks
from django_offload.stack.alarms import alarm_definitions
from django_offload.stack.prices import AS_OF, POLLER_HOUR, PRICES, SOURCE
from tests.benchmarks.cost_tables import (
    MONTH,
    WAITS,
    dollars,
    idle_month,
    index_table,
    load_table,
    per_million,
    tables,
    waiting_table,
)
from tests.benchmarks.metered import waiting_units

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
COSTS = ROOT / "django_app" / "docs" / "explanation" / "costs.md"


@pytest.fixture
def spec() -> StackSpec:
    (stack,) = stacks()
    return spec_of(stack)


def test_a_million_tasks_by_hand() -> None:
    costs = per_million(PRICES["us-east-1"], memory=512, seconds=1.0)

    assert {name: round(dollars, 3) for name, dollars in costs.items()} == {
        "queue requests": 1.2,  # 3 million at 40 cents.
        "invocations": 0.2,
        "compute": 8.333,  # Half a million GB-seconds.
        "write units": 3.125,  # 5 million at 62.5 cents.
        "read units": 0.25,
        "logs": 0.279,
    }


def test_an_idle_month_by_hand(spec: StackSpec) -> None:
    costs = idle_month(PRICES["us-east-1"], spec, own_key=True)

    assert len(spec.queues) == 3
    # Six mappings, each with 5 polls of 20 s: 0.65 million requests a month.
    assert costs["polls of the mappings"] == pytest.approx(6 * 0.648 * 0.40)
    # 43,200 sweeps of 0.2 s with 1,024 MB.
    assert costs["sweeps"] == pytest.approx(43_200 * (0.20e-6 + 0.2 * 0.0000166667))
    # Each asks 64 shards of two bands, and the two old ones: half a read unit each.
    assert costs["reads of 130 shards"] == pytest.approx(43_200 * 65 * 0.125e-6)
    assert round(costs["reads of 130 shards"], 2) == 0.35
    assert costs["alarms"] == pytest.approx(0.10 * len(list(alarm_definitions(spec))))
    assert (costs["dashboard"], costs["custom metric"], costs["your own key"]) == (3.0, 0.3, 1.0)
    assert idle_month(PRICES["us-east-1"], spec)["your own key"] == 0


def test_the_cost_includes_every_alarm_of_the_template(spec: StackSpec) -> None:
    text = (INFRA / "template.yaml").read_text()

    assert text.count("Type: AWS::CloudWatch::Alarm") == len(list(alarm_definitions(spec)))


def test_the_page_shows_the_computed_costs(spec: StackSpec) -> None:
    page = COSTS.read_text()

    assert {"us-east-1", "eu-central-1"} <= set(PRICES)
    assert tables(PRICES, spec) in page
    assert AS_OF in page
    assert SOURCE in page
    assert json.loads((INFRA / "prod.json").read_text())["region"] in PRICES


def test_an_index_of_trouble_by_hand() -> None:
    # 3 million requests at 40 cents, a million invocations at 20, and 5 or 3 million write units at 62.5.
    assert index_table({"us-east-1": PRICES["us-east-1"]}).splitlines()[2:] == [
        '| `"index": "all"` | $4.53 |',
        '| `"index": "trouble"` | $3.28 |',
    ]


def test_half_a_cent_is_rounded_up() -> None:
    assert [dollars(value) for value in (3.275, 4.5249999999999995, 1.0, 1234.5)] == [
        "$3.28",
        "$4.53",
        "$1.00",
        "$1,234.50",
    ]


def test_the_page_shows_what_an_index_of_trouble_saves() -> None:
    assert index_table(PRICES) in COSTS.read_text()


def test_the_page_says_what_pollers_of_a_queue_cost_a_month() -> None:
    page, hours = COSTS.read_text(), MONTH / timedelta(hours=1)

    assert f"${POLLER_HOUR}" in page
    assert f"two pollers, cost ${2 * hours * POLLER_HOUR:.2f} in a month of 30 days" in page
    assert f"all twenty ${20 * hours * POLLER_HOUR:.2f}" in page


@pytest.mark.django_db(transaction=True)
def test_the_page_says_what_waiting_costs() -> None:
    more = waiting_units(WAITS)

    assert [more[wait] for wait in WAITS] == sorted(more.values())
    assert waiting_table(PRICES, more) in COSTS.read_text(), waiting_table(PRICES, more)


def test_the_page_says_what_a_load_costs() -> None:
    assert load_table(PRICES) in COSTS.read_text(), load_table(PRICES)
