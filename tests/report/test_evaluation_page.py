"""The page about an evaluation as a file: complete, self-contained, and safe whatever names are in it."""

import json
import re
import sys

import numpy as np
import pytest
from evaluation_data import IGNORED, evaluation

from segwright.errors import MissingExtraError
from segwright.metrics.calibration import LEVELS, CalibrationCounts
from segwright.report.bars import distribution_chart, reliability_chart
from segwright.report.confusions import Confusions
from segwright.report.evaluation_page import write_evaluation

NASTY = "</script><img src=x onerror=alert(1)>.png"


def page(tmp_path, data) -> str:
    write_evaluation(tmp_path / "index.html", data)
    return (tmp_path / "index.html").read_text(encoding="utf-8")


def values(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="values">(.*?)</script>', text, re.S)[1])


def test_the_page_asks_for_nothing_but_itself(tmp_path):
    text = page(tmp_path, evaluation(3, 6))
    without_data = re.sub(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(r"https?:|@import|<link|<iframe|<object|srcset|fetch\(|XMLHttpRequest", without_data)
    assert set(re.findall(r"url\(([^)]*)\)", without_data)) == {""}
    assert set(re.findall(r'src="([^"]*)"', without_data)) == {""}
    assert "default-src 'none'" in text


def test_names_are_text_and_never_markup(tmp_path):
    data = evaluation(2, 3, names=[NASTY, "b.png", "c.png"])
    text = page(tmp_path, data)
    assert "<img src=x" not in text
    assert text.count("</script>") == 2
    assert values(text)["pictures"][0]["name"] == NASTY


def test_nasty_class_names_are_text_too(tmp_path):
    text = page(tmp_path, evaluation(2, 3, class_names=[NASTY, "b"], title=NASTY, cautions=[NASTY], config=NASTY))
    assert "<img src=x" not in text
    assert text.count("</script>") == 2


def test_the_page_holds_the_counts_and_scores_it_was_given(tmp_path):
    data = evaluation(4, 7, cautions=["two pictures are also trained on"], conventions={"Acc": "of pixels"})
    text = page(tmp_path, data)
    found = values(text)
    assert found["counts"] == data.counts[:-1].tolist()
    assert found["classes"] == data.class_names
    for number, picture in enumerate(found["pictures"]):
        scores = data.per_image.scores(number)
        assert picture["score"] == scores["mIoU"]
        assert picture["accuracy"] == scores["Acc"]
        assert picture["classes"] == {
            str(index): pytest.approx(iou, abs=1e-4) for index, iou in enumerate(scores["class_iou"]) if iou is not None
        }
    assert set(found["shown"]) == {0, 4, 5, 6}
    for words in ("two pictures are also trained on", "of pixels", f"{data.class_scores['IoU'][2]:.4f}", "a crop.png"):
        assert words in text


@pytest.mark.parametrize(("num_classes", "num_pictures"), [(1, 1), (1, 3), (2, 1), (2, 0), (150, 2)])
def test_few_and_many_classes_and_pictures(tmp_path, num_classes, num_pictures):
    found = values(page(tmp_path, evaluation(num_classes, num_pictures)))
    assert len(found["pictures"]) == num_pictures
    assert len(found["counts"]) == num_classes


def test_pictures_without_a_judged_pixel_have_no_score(tmp_path):
    data = evaluation(2, 2)
    data.per_image.areas[1] = 0
    shown = data.worst[0]
    shown.truth[:] = IGNORED
    text = page(tmp_path, data)
    assert values(text)["pictures"][1]["score"] is None
    assert "n/a" in text


def test_the_size_stays_small_for_a_hundred_large_pictures(tmp_path):
    data = evaluation(11, 100)
    rng = np.random.default_rng(0)
    for shown in (*data.worst, *data.best):
        object.__setattr__(shown, "image", rng.integers(0, 255, (720, 960, 3), np.uint8).cumsum(1, np.uint8))
        object.__setattr__(shown, "truth", np.kron(shown.truth, np.ones((20, 20), np.uint8)))
        object.__setattr__(shown, "prediction", np.kron(shown.prediction, np.ones((20, 20), np.uint8)))
    write_evaluation(tmp_path / "index.html", data)
    per_picture = (tmp_path / "index.html").stat().st_size / 4
    assert per_picture * 12 < 5e6  # noise, which compresses worst


def test_confusions_are_ranked_by_pixels_and_by_their_cost():
    counts = np.array([[90, 10, 0], [2, 0, 0], [0, 30, 970], [5, 5, 5]])
    confusions = Confusions(counts, ignore_index=255)
    assert [(one.true, one.predicted, one.pixels) for one in confusions.largest(9)] == [
        (2, 1, 30),
        (0, 1, 10),
        (1, 0, 2),
    ]
    costliest = confusions.costliest(2)
    assert [(one.true, one.of_class) for one in costliest] == [(1, 1.0), (0, 0.1)]
    assert costliest[0].of_mistakes == pytest.approx(2 / 42)
    assert [one and one.predicted for one in map(confusions.commonest_of, range(3))] == [1, 0, 1]
    assert Confusions(counts, ignore_index=0).commonest_of(0) is None
    assert Confusions(np.zeros((2, 1), np.int64), 255).largest(3) == []


@pytest.mark.parametrize("scores", [[0.0], [1.0], [0.5, None], [0.29, 0.3], list(np.linspace(0, 1, 97)), [0.57] * 3])
def test_every_picture_is_in_one_bar(scores):
    chart = distribution_chart(scores)
    counted = [int(re.search(r": (\d+) picture", bar.text)[1]) for bar in chart.bars]
    assert sum(counted) == sum(score is not None for score in scores)
    assert chart.bars[0].low <= min(score for score in scores if score is not None)
    assert 0 <= chart.bars[0].low < chart.bars[-1].high <= 1
    for bar in chart.bars:
        assert chart.left - 0.01 <= bar.x <= chart.right
        assert chart.top - 0.01 <= bar.y <= chart.bottom + 0.01


def test_charts_without_data_are_left_out():
    assert distribution_chart([]) is None
    assert distribution_chart([None]) is None
    assert reliability_chart(CalibrationCounts(np.zeros((2, LEVELS), np.int64))) is None


def test_the_calibration_chart_says_which_way_a_model_errs():
    counts = np.zeros((2, LEVELS), np.int64)
    counts[:, -1] = 5
    assert (
        "0.5000: the model is too sure of itself, with a mean confidence of 100.0%"
        in reliability_chart(CalibrationCounts(counts)).summary
    )
    counts[:, -1], counts[1, LEVELS // 2] = 0, 5
    assert "less sure than it could be" in reliability_chart(CalibrationCounts(counts)).summary


def test_without_jinja_the_extra_is_named_and_no_picture_read(tmp_path, monkeypatch):
    def unread():
        raise AssertionError
        yield

    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"segwright\[report\]"):
        write_evaluation(tmp_path / "index.html", evaluation(2, 2, worst=unread()))
    assert not (tmp_path / "index.html").exists()
