"""Charts of CloudWatch metrics, and their tables."""

from datetime import timedelta

import pytest

from django_offload.board.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, charts, with_unit
from django_offload.board.metrics import METRICS, QueueHistory
from tests.contract.records import NOW

MINUTE = timedelta(minutes=1)


def history(**values_by_key):
    """Return a history of four minutes. Metrics that are not passed have no data."""
    instants = [NOW + number * MINUTE for number in range(4)]
    series = {metric.key: values_by_key.get(metric.key, [None] * 4) for metric in METRICS}
    points = {key: list(zip(instants, values, strict=True)) for key, values in series.items()}
    return QueueHistory(queue="default", points=points)


def test_a_line_goes_through_its_points_from_edge_to_edge():
    depth = charts(history(depth=[0, 5, 10, 0]))[0]

    (stroke,) = depth.lines[0].strokes
    points = [tuple(map(float, point.split(","))) for point in stroke.split()]
    base = float(HEIGHT - BOTTOM)
    assert points[0] == (LEFT, base)
    assert points[2][1] == TOP
    assert points[3] == (WIDTH - 4, base)
    assert depth.summary == "waiting: latest 0, highest 10"


def test_a_gap_ends_a_line_and_a_point_alone_is_a_mark():
    depth = charts(history(depth=[1, None, 2, 3]))[0]

    (line,) = depth.lines
    assert [len(stroke.split()) for stroke in line.strokes] == [2]
    assert len(line.dots) == 1


def test_the_table_has_the_latest_row_first_and_no_rows_of_zeros():
    throughput = charts(history(done=[0, 4, 0, 6], errors=[0, 1, 0, 0]))[2]

    assert throughput.headings == ["all", "failed"]
    assert throughput.rows == [(NOW + 3 * MINUTE, ["6", "0"]), (NOW + MINUTE, ["4", "1"])]


def test_lines_of_one_chart_differ_in_dashes_and_marks():
    for chart in charts(history()):
        assert len({line.dash for line in chart.lines}) == len(chart.lines)
        assert len({line.mark for line in chart.lines}) == len(chart.lines)


def test_a_chart_without_data_says_so():
    depth, age, *_ = charts(history())

    nothing = "CloudWatch has no data for this period. Choose a longer one, or look later."
    assert depth.summary == age.summary == nothing
    assert depth.rows == []
    assert depth.lines[0].strokes == []


@pytest.mark.parametrize(
    ("most", "top"), [(0, "1"), (1, "1"), (3, "5"), (7, "10"), (10, "10"), (12, "20"), (999, "1,000")]
)
def test_an_axis_ends_at_a_round_number(most, top):
    depth = charts(history(depth=[0, 0, 0, most]))[0]

    assert depth.gridlines[-1] == (TOP, top)


def test_milliseconds_are_shown_in_seconds():
    latency = charts(history(average=[None, None, None, 250.0], longest=[None, None, None, 4_300.0]))[3]

    assert latency.summary == "average: latest 0.25 s, highest 0.25 s; longest: latest 4.3 s, highest 4.3 s"


@pytest.mark.parametrize(("value", "text"), [(0, "0 s"), (1234.6, "1,235 s"), (0.123, "0.12 s"), (9, "9 s")])
def test_numbers_are_short(value, text):
    assert with_unit(value, "s") == text


def test_counts_are_summed_and_measurements_show_the_latest_value():
    queue_history = history(depth=[1, 2, None, None], done=[1, 2, 0, 4], errors=[0, 1, 0, 0])

    assert (queue_history.depth, queue_history.age, queue_history.invocations, queue_history.failed) == (
        2,
        None,
        7,
        1,
    )
