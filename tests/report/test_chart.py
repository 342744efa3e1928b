import math

from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.report.chart import loss_chart, score_chart

losses = st.lists(st.floats(0, 1e6), min_size=2, max_size=60)


@settings(deadline=None)
@given(losses)
def test_lines_stay_inside_the_axes(values):
    chart = loss_chart([{"iter": 10 * number, "loss": value} for number, value in enumerate(values, start=1)])
    for line in chart.lines:
        for point in line[1:].split("L"):
            x, y = map(float, point.split(","))
            assert chart.left - 0.01 <= x <= chart.right + 0.01
            assert chart.top - 0.01 <= y <= chart.bottom + 0.01
    for ticks in (chart.x_ticks, chart.y_ticks):
        assert 2 <= len(ticks) <= 12
        assert len({tick.text for tick in ticks}) == len(ticks)


def test_values_that_are_not_finite_leave_a_gap_instead_of_breaking_the_chart():
    records = [{"iter": 1, "loss": 2.0}, {"iter": 2, "loss": math.nan}, {"iter": 3, "loss": 1.0}, {"iter": 4}]
    assert loss_chart(records).lines[0].count(",") == 2
    assert loss_chart([{"iter": 1, "loss": math.inf}]) is None


def test_the_best_evaluation_is_marked_and_read_out():
    chart = score_chart([{"iter": 100, "mIoU": 0.6}, {"iter": 200, "mIoU": 0.9}, {"iter": 300, "mIoU": 0.8}])
    assert "best 0.9000 at iteration 200, last 0.8000" in chart.summary
    assert chart.best in chart.markers
    assert chart.best.y == min(marker.y for marker in chart.markers)
    assert score_chart([]) is None
