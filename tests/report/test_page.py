import dataclasses
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from segwright.errors import DataError, MissingExtraError
from segwright.images import default_palette, write_image, write_label_map
from segwright.report import Check, ClassScores, Command, GalleryRow, ReportData, RunLog, Tile, write_report
from segwright.report.pictures import panels


class Page(HTMLParser):
    """Collects what a browser would look at; complains about tags that are not closed."""

    VOID = ("meta", "img", "line", "circle", "path")

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def row(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.zeros((40, 60), np.uint8)
    truth[10:20, 10:30] = 1
    prediction = np.roll(truth, 2, axis=1)
    truth[0] = 255
    write_image(tmp_path / "eye.png", rng.integers(0, 255, (40, 60, 3), np.uint8))
    write_label_map(tmp_path / "truth.png", truth, default_palette(2))
    write_label_map(tmp_path / "prediction.png", prediction, default_palette(2))
    return GalleryRow(*(str(tmp_path / name) for name in ("eye.png", "truth.png", "prediction.png")), caption="an eye")


@pytest.fixture
def data(row):
    return ReportData(
        title="Discs & <script>alert(1)</script>",
        lead="A lead.",
        tiles=[Tile("mIoU", "0.9312", "on 16 pictures")],
        log=RunLog(
            train=[{"iter": it, "loss": 10 / it} for it in range(10, 60, 10)],
            evals=[{"iter": 50, "mIoU": 0.9}],
        ),
        classes=[
            ClassScores("background", (130, 130, 130), 0.99, 0.99, 0.99, 0.99),
            ClassScores("optic disc", (0, 200, 190), 0.8, 0.85, 0.9, 0.89),
        ],
        gallery=[row],
        checks=[Check("infer equals predict", "2400 of 2400 pixels", True), Check("another", "0.1", False)],
        commands=[Command("segwright train --config 'a b.yml'  --do_eval", 12.34, "Train.")],
        config="model:\n  type: BiSeNetV2\n",
        environment={"Python": "3.12"},
    )


def test_the_page_is_one_file_that_asks_for_nothing_else(tmp_path, data):
    write_report(tmp_path / "index.html", data)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert not page.all("link")
    assert not any("src" in script for script in page.all("script"))
    without_pictures = re.sub(r"data:[^\"]+", "", text)
    assert not re.search(r"https?://|@import|url\(", without_pictures)


def test_the_page_shows_everything_it_was_given(tmp_path, data):
    write_report(tmp_path / "index.html", data)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    text = "".join(page.text)
    for words in ("0.9312", "optic disc", "0.8500", "infer equals predict", "2400 of 2400 pixels", "failed", "12.3 s",
                  "segwright train --config 'a b.yml'  --do_eval", "type: BiSeNetV2", "an eye", "3.12"):  # fmt: skip
        assert words in text
    assert len(page.all("img")) == 4
    assert len(page.all("svg")) == 2


def test_text_is_escaped(tmp_path, data):
    write_report(tmp_path / "index.html", data)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert len(page.all("script")) == 1
    assert "Discs & <script>alert(1)</script>" in "".join(page.text)


def test_pictures_and_curves_have_a_text_alternative(tmp_path, data):
    write_report(tmp_path / "index.html", data)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert all(image["alt"] for image in page.all("img"))
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.all("svg"))


def test_parts_without_content_are_left_out(tmp_path):
    write_report(tmp_path / "index.html", ReportData(title="Nothing yet"))
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert not page.all("section")
    assert page.all("h1")


def test_the_data_can_be_written_as_json(data):
    assert json.loads(json.dumps(dataclasses.asdict(data)))["classes"][1]["iou"] == 0.8


def test_the_difference_leaves_out_ignored_pixels(row):
    picture, truth, prediction, difference = panels(row, [(0, 0, 0), (0, 200, 190)], ignore_index=255)
    assert difference.label == f"Difference: {40 / (39 * 60):.2%}"
    assert len({panel.source for panel in (picture, truth, prediction, difference)}) == 4


def test_label_maps_of_another_size_are_refused(tmp_path, row):
    write_label_map(tmp_path / "small.png", np.zeros((20, 30), np.uint8), default_palette(2))
    other = dataclasses.replace(row, prediction=str(tmp_path / "small.png"))
    with pytest.raises(DataError, match=r"small\.png is 30x20, .*eye\.png is 60x40"):
        panels(other, [], ignore_index=255)


def test_without_jinja_the_extra_is_named(tmp_path, data, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"segwright\[report\]"):
        write_report(tmp_path / "index.html", data)
    assert not (tmp_path / "index.html").exists()
