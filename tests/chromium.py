"""Chromium for the tests of pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks.targets.target import UnavailableError
from benchmarks.targets.web import find_browser

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Flags that lend pages a made-up camera."""


@contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    """A headless browser; the test is skipped where there is none, or nothing to drive it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is missing")
    try:
        path = find_browser()
    except UnavailableError as reason:
        pytest.skip(str(reason))
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", *flags])
        yield browser
        browser.close()
