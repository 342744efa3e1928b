"""What the browser's tests need: npm's packages, Chromium, and exports for it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from small_net import export_small
from web_page import CLASSES, NORMALIZE, WEB, web_server


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Chromium; skips where it or onnxruntime-web is missing, and installs the latter where npm can."""
    found = os.environ.get("SEGWRIGHT_BROWSER") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
    )
    if found is None:
        pytest.skip("no Chromium or Chrome on the path, and SEGWRIGHT_BROWSER does not name one")
    if shutil.which("npm") is None:
        pytest.skip("npm, which installs onnxruntime-web, is not on the path")
    with FileLock(Path(tempfile.gettempdir()) / "segwright-web.lock"):  # of two processes, the first installs
        if not (WEB / "node_modules" / ".bin" / "tsc").exists():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            try:
                done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=200)
            except subprocess.TimeoutExpired:
                pytest.skip("npm ci does not end, so onnxruntime-web is not installed")
            if done.returncode:
                pytest.skip(f"npm ci does not install onnxruntime-web: {done.stderr[-300:]}")
    return found


@pytest.fixture(scope="session")
def driver():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is missing")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(driver, browser_path):
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox", *camera])
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
