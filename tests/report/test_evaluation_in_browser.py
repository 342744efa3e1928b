"""The page about an evaluation in a real browser, without a network: what a reader clicks, types and sees."""

from contextlib import ExitStack

import pytest
from chromium import chromium
from evaluation_data import evaluation

from segwright.report.evaluation_page import write_evaluation

PICTURES = 120
NASTY = "<img src=x onerror=document.title='broken'>.png"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    names = [f"city/{number:03d}.png" for number in range(PICTURES - 1)] + [NASTY]
    write_evaluation(path, evaluation(4, PICTURES, names=names))
    return path


@pytest.fixture
def opened(browser, file):
    """Opens the page; a fault in its script, or anything it asks the network for, fails the test."""
    with ExitStack() as contexts:

        def open_page(width: int = 1280, path=file, **options):
            context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
            page.on("request", lambda request: asked.append(request.url))
            page.goto(path.as_uri())
            return page

        faults, asked = [], []
        yield open_page
        assert faults == []
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def column(page, number: int, table: str = "#picture-table") -> list[str]:
    return page.locator(f"{table} tbody tr > *:nth-child({number})").all_inner_texts()


def test_pictures_are_sorted_searched_filtered_and_shown_bit_by_bit(opened):
    page = opened()
    assert page.inner_text("#picture-count") == f"{PICTURES} of {PICTURES} pictures"
    scores = [float(text) for text in column(page, 2)]
    assert len(scores) == 50
    assert scores == sorted(scores)
    page.click("#more")
    assert len(column(page, 1)) == 100
    page.click("#more")
    assert len(column(page, 1)) == PICTURES
    assert not page.is_visible("#more")

    page.click("#picture-table button[data-key=score]")
    scores = [float(text) for text in column(page, 2)]
    assert scores == sorted(scores, reverse=True)
    assert page.get_attribute("#picture-table th:nth-child(2)", "aria-sort") == "descending"

    page.fill("#filter-name", "CITY/11")
    assert sorted(column(page, 1)) == [f"city/{number}.png" for number in range(110, 119)]
    assert page.inner_text("#picture-count") == f"9 of {PICTURES} pictures"
    page.fill("#filter-name", "")
    page.select_option("#filter-class", "2")
    assert page.inner_text("#picture-table [data-key=lowest]") == "IoU of class 2"
    page.click("#picture-table [data-key=lowest]")
    ious = [float(text) for text in column(page, 4)]
    assert ious == sorted(ious)


def test_a_bar_of_the_distribution_lists_its_pictures(opened):
    page = opened()
    bar = page.locator("#distribution .bar").last
    count = int(bar.locator("title").text_content().split(": ")[1].split()[0])
    bar.click()
    assert page.inner_text("#picture-count") == f"{count} of {PICTURES} pictures"
    page.click("#filter-range")
    assert page.inner_text("#picture-count") == f"{PICTURES} of {PICTURES} pictures"


def test_names_are_shown_as_they_are(opened):
    page = opened()
    page.fill("#filter-name", "onerror")
    assert column(page, 1) == [NASTY]
    assert page.title() == "A model on generated pictures"
    page.click("#picture-table tbody a")
    assert page.locator(".row:target b").inner_text() == NASTY


def test_the_matrix_tells_numbers_by_pointer_and_by_key(opened):
    page = opened()
    assert page.evaluate("document.getElementById('matrix').width") > 200
    box = page.locator("#matrix").bounding_box()
    page.locator("#matrix").hover(position={"x": box["width"] - 8, "y": box["height"] - 8})
    assert page.inner_text("#matrix-says").startswith("class 3 is recognised: ")
    page.locator("#matrix").press("ArrowLeft")
    assert page.inner_text("#matrix-says").startswith(
        "class 3 is taken for class 2: 0.00 % of the pixels that are class 3"
    )
    page.select_option("#matrix-of", "predicted")
    assert "pixels predicted as class 2" in page.inner_text("#matrix-says")


def test_classes_are_sorted_by_any_score(opened):
    page = opened()
    page.click("#class-table th:nth-child(3) button")
    ious = [float(text) for text in column(page, 3, "#class-table")]
    assert ious == sorted(ious)
    page.click("#class-table th:nth-child(3) button")
    assert column(page, 3, "#class-table") == [f"{iou:.4f}" for iou in sorted(ious, reverse=True)]


def test_pairs_are_filtered_and_sorted(opened):
    page = opened()
    everything = page.locator("#pair-list article:visible").count()
    page.select_option("#pairs-class", "1")
    headings = page.locator("#pair-list article:visible h3").all_inner_texts()
    assert 0 < len(headings) < everything
    assert all("class 1" in heading for heading in headings)
    page.select_option("#pairs-class", "")
    page.select_option("#pairs-by", "of-class")
    shares = [float(pair.get_attribute("data-of-class")) for pair in page.locator("#pair-list article").all()]
    assert shares == sorted(shares, reverse=True)


def test_pictures_are_enlarged_and_colours_fade(opened):
    page = opened()
    panel = page.locator(".row .panel").nth(2)
    before = panel.bounding_box()["width"]
    panel.click()
    assert panel.bounding_box()["width"] > 1.5 * before
    panel.press("Enter")
    assert panel.bounding_box()["width"] == before
    page.locator("#fade").fill("0.1")
    assert panel.locator("img").evaluate("image => getComputedStyle(image).opacity") == "0.1"
    assert all(
        page.locator("img").evaluate_all("images => images.map(image => image.complete && image.naturalWidth > 0)")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(opened, scheme):
    page = opened(390, color_scheme=scheme, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(252, 251, 248)" if scheme == "light" else "rgb(21, 24, 27)")
    page.locator("#matrix").tap(position={"x": 120, "y": 120})
    assert "class" in page.inner_text("#matrix-says")


@pytest.mark.parametrize(("num_classes", "num_pictures"), [(1, 1), (2, 0), (150, 1)])
def test_few_and_many_classes_break_nothing(opened, tmp_path, num_classes, num_pictures):
    write_evaluation(tmp_path / "index.html", evaluation(num_classes, num_pictures))
    page = opened(390, path=tmp_path / "index.html")
    assert page.inner_text("#picture-count") == f"{num_pictures} of {num_pictures} pictures"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
