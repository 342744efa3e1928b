"""The plot of accuracy against speed: who is on the front, where names stand, what the page says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.report.scatter import Dot, _box, _shared, front, speed_chart
from segwright.report.speed_page import ModelSpeed, SpeedData, write_speed

dots = st.lists(st.tuples(st.floats(0.05, 1e5), st.floats(0, 1)), min_size=1, max_size=12).map(
    lambda values: [Dot(f"model {number}", *value) for number, value in enumerate(values)]
)


@settings(deadline=None)
@given(dots)
def test_the_front_has_who_is_not_beaten(dots):
    best = front(dots)
    for dot in dots:
        beaten = any(
            other.milliseconds <= dot.milliseconds
            and other.miou >= dot.miou
            and (other.milliseconds, other.miou) != (dot.milliseconds, dot.miou)
            for other in dots
        )
        assert not (beaten and dot in best)
        assert beaten or any((dot.milliseconds, dot.miou) == (one.milliseconds, one.miou) for one in best)


@settings(deadline=None, max_examples=50)
@given(dots)
def test_everything_is_inside_the_chart(dots):
    chart = speed_chart(dots)
    assert len(chart.labels) == len(chart.markers) == len(dots)
    for marker in chart.markers:
        assert chart.left <= marker.x <= chart.right
        assert chart.top <= marker.y <= chart.bottom
    for label in chart.labels:
        left, top, right, bottom = _box(label)
        assert left >= -1
        assert top >= -1
        assert right <= chart.width + 1
        assert bottom <= chart.bottom + 1
    assert len(chart.x_ticks) >= 2
    assert all(chart.left - 0.01 <= tick.at <= chart.right + 0.01 for tick in chart.x_ticks)


def test_names_make_room_for_each_other():
    chart = speed_chart([Dot("a long name", 10, 0.70), Dot("another long name", 10.4, 0.705), Dot("third", 11, 0.8)])
    boxes = [_box(label) for label in chart.labels]
    assert not any(_shared(one, other) for one in boxes for other in boxes if one is not other)


def test_without_a_score_there_is_no_plot():
    assert speed_chart([]) is None


def model(name: str, milliseconds: float, miou: float | None) -> ModelSpeed:
    return ModelSpeed(
        name=name,
        folder=name,
        engine="an engine",
        precision="fp32",
        input_shape=(-1, 3, 512, -1),
        milliseconds=milliseconds,
        low=milliseconds,
        high=milliseconds,
        network=milliseconds / 2,
        miou=miou,
        pictures=None if miou is None else 500,
    )


@pytest.mark.parametrize("scored", [True, False])
def test_the_page_stands_alone_and_says_what_is_not_known(tmp_path, scored):
    models = [model("<b>fast</b>", 10, 0.7 if scored else None), model("unknown one", 5, None)]
    write_speed(tmp_path / "page.html", SpeedData(title="Speed", lead="", models=models, cautions=["Look out."]))
    text = (tmp_path / "page.html").read_text()
    assert "<b>fast" not in text
    assert "&lt;b&gt;fast" in text
    assert ("<svg" in text) is scored
    assert ("Most accurate" in text) is scored
    assert text.index("unknown one") < text.index('class="name">&lt;b&gt;fast')  # the fastest first
    assert "Look out." in text
    assert "any x 3 x 512 x any" in text
    assert "http" not in text.replace("http-equiv", "")
