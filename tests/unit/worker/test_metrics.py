"""What the sweeper's log tells CloudWatch."""

import json
from datetime import timedelta

import pytest

from django_offload.worker import sweep
from django_offload.worker.metrics import print_longest_running
from tests.contract.records import NOW, claimed, create_record


def test_the_line_is_a_metric_that_cloudwatch_reads_from_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    print_longest_running("shop-dev", [timedelta(minutes=2), timedelta(minutes=7)], NOW)

    line = json.loads(capsys.readouterr().out)
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == int(NOW.timestamp() * 1000)
    assert metric["Namespace"] == "DjangoOffload"
    # Every name that the metric uses has its value beside it.
    assert {key: line[key] for key in (*metric["Dimensions"][0], metric["Metrics"][0]["Name"])} == {
        "Stack": "shop-dev",
        "OldestRunningSeconds": 420.0,
    }


def test_where_nothing_runs_the_metric_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_longest_running("shop-dev", [], NOW)

    assert json.loads(capsys.readouterr().out)["OldestRunningSeconds"] == 0


@pytest.mark.parametrize("own", [True, False])
def test_a_deployed_sweeper_tells_how_long_an_attempt_has_been_running(
    stage, enqueued, monkeypatch, capsys, own
) -> None:
    monkeypatch.setattr(sweep, "store_of", lambda options: stage.store)
    monkeypatch.setattr(sweep, "stacks", lambda: [stage.options])
    if own:
        monkeypatch.setenv("OFFLOAD_STACK", stage.options.stack)
    create_record(stage.store, enqueued(1))
    stage.store.change(enqueued(1).id, claimed(enqueued(1).id, NOW))
    stage.now = NOW + timedelta(minutes=10)

    sweep.sweep(stage.clock, lambda: 60.0)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["OldestRunningSeconds"] for line in lines] == ([600.0] if own else [])
