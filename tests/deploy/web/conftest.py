"""What the browser's tests need: npm's packages, Chromium, and exports for it."""

import pytest
from chromium import CAMERA
from small_net import export_small
from web_page import CLASSES, NORMALIZE

from benchmarks.targets.target import UnavailableError
from benchmarks.targets.web import find_browser, install_packages, web_server


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Chromium; skips where it or onnxruntime-web is missing."""
    try:
        found = find_browser()
        install_packages()
        return found
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def driver():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is missing")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(driver, browser_path):
    browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox", *CAMERA])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def models(browser_path, tmp_path_factory):  # noqa: ARG001 - no exports where nothing shows them
    """Exports of a small net: labels and scores at any size, and one that takes pictures."""
    folder = tmp_path_factory.mktemp("models")
    free = {"input_shape": None, "transforms": [NORMALIZE], "class_names": CLASSES}
    export_small(folder / "labels", **free)
    export_small(folder / "scores", **free, output_op="none")
    export_small(folder / "pictures", picture_input=True)
    return folder


@pytest.fixture(scope="session")
def address(models):
    with web_server(models) as address:
        yield address


@pytest.fixture(scope="session")
def page(browser, address):
    page = browser.new_page()
    page.goto(address)
    yield page
    page.close()
