"""The web page as `segwright serve` gives it, in a real browser, on a real model: a picture in, its classes out."""

import pytest
from chromium import chromium
from served import serving
from small_net import picture, small_bundle
from test_web_page import legend, opened, segmented, upload  # noqa: F401 - opened is a fixture

from segwright.images import encode_image, read_label
from segwright.runtime import load

PHOTO = picture(90, 130, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("export") / "streets")


@pytest.fixture(scope="module")
def address(folder):
    with serving(folder, "--max_megapixels", "0.5") as server:
        yield f"{server.url}/"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("width", [1280, 390])
def test_a_picture_is_segmented_and_taken_away(opened, folder, width):  # noqa: F811
    page = opened(width)
    segmented(page, content=encode_image(PHOTO, ".png"))
    label = load(folder)(PHOTO)
    shares = {name: (label == number).mean() for number, name in enumerate(["sky", "road", "car", "tree"])}
    rows = legend(page)
    assert len(rows) == sum(share > 0 for share in shares.values())
    for name, share in shares.items():
        assert share == 0 or any(name in row and f"{100 * share:.1f}" in row for row in rows), rows
    with page.expect_download() as download:
        page.click("text=/label map/i >> visible=true")
    assert (read_label(download.value.path().read_bytes()) == label).all()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_servers_words_reach_the_reader(opened):  # noqa: F811
    page = opened()
    upload(page, content=encode_image(picture(800, 700), ".png"))
    page.wait_for_selector("[role=alert]:visible")
    assert "limit is 500000" in page.inner_text("[role=alert]")


def test_the_api_is_documented_without_the_internet(opened, address):  # noqa: F811
    page = opened()
    page.goto(f"{address}docs")
    page.wait_for_selector("text=/predict/ >> nth=0")
    assert page.locator(".opblock").count() >= 15
