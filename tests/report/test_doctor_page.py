"""The page of the doctor: what it shows, that it escapes what it is given, and that it fits a telephone."""

import numpy as np
import pytest
from chromium import chromium

from segwright.images import default_palette
from segwright.report.data import Tile
from segwright.report.doctor_page import ClassShare, DoctorData, ShownFinding, ShownPair, write_doctor

NASTY = "<script>document.title = 'broken'</script>" + "a" * 200


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (60, 90, 3), np.uint8)
    palette = default_palette(3)
    label = rng.integers(0, 4, (60, 90)).astype(np.uint8)  # 3 is no class
    pairs = [ShownPair(NASTY, image, label, palette), ShownPair("b.png", image, label[:30], palette)]
    pairs.append(ShownPair("c.png", image, None, palette))
    finding = ShownFinding(
        kind="label-ids",
        level="error",
        title=NASTY,
        measured=NASTY,
        suggestion="Look.",
        snippet="weight: [1.0, 2.5]",
        files=[f"{NASTY}{number}" for number in range(300)],
        pairs=pairs,
    )
    path = tmp_path_factory.mktemp("doctor") / "doctor.html"
    tiles = [Tile("Errors", "1"), Tile("Warnings", "0"), Tile("Notes", "0"), Tile("train", "20"), Tile("val", "8")]
    classes = [ClassShare(name=NASTY, colour=(0, 0, 0), shares=[0.5, 0.25], pictures=[20, 8], weight=0.5)]
    parts = ["train", "val"]
    write_doctor(
        path,
        DoctorData(title="Doctor", lead="28 pairs.", tiles=tiles, findings=[finding], classes=classes, parts=parts),
    )
    return path


def test_what_was_found_is_there_and_escaped(page):
    text = page.read_text(encoding="utf-8")
    assert "<script>document" not in text
    assert text.count("data:image/jpeg;base64,") == 5
    assert "weight: [1.0, 2.5]" in text
    assert "and 100 more" in text


def test_without_findings_it_says_so(tmp_path):
    write_doctor(tmp_path / "clean.html", DoctorData(title="Doctor", lead="", tiles=[], findings=[]))
    assert "Nothing was found." in (tmp_path / "clean.html").read_text(encoding="utf-8")


def test_it_fits_a_telephone_and_asks_the_network_for_nothing(page):
    with chromium() as browser:
        opened = browser.new_context(viewport={"width": 390, "height": 800}, offline=True).new_page()
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(page.as_uri())
        assert opened.title() == "Doctor"
        assert opened.evaluate("document.documentElement.scrollWidth") <= 390
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
