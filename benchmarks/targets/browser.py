"""The library of ``deploy/web`` in headless Chromium, on WebAssembly."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.targets.target import FailedError, Run, UnavailableError
from benchmarks.targets.web import TO_BASE64, find_browser, install_packages, label_maps, web_server

PREDICT = (
    "async ([model, pictures, threads]) => {"
    + TO_BASE64
    + """
    const { load } = await import("/src/index.js");
    const file = async (address) => (await fetch(address)).blob();
    const predictor = await load(model, { backend: "wasm", threads });
    await predictor.predict(await file(pictures[0]));
    const ready = performance.now();
    const files = await Promise.all(pictures.map(file));
    const predictions = [];
    for (const picture of files) predictions.push(await predictor.predict(picture));
    const times = [];
    for (const picture of files) times.push((await predictor.predict(picture)).timing.total);
    const { env } = await import("onnxruntime-web/wasm");
    return { ready, times, predictions: predictions.map(sent), version: env.versions.web };
}"""
)
"""Milliseconds from the page's address to the first label map; then all pictures once to be warm, and once for time."""


@dataclass(frozen=True)
class Browser:
    """A page with an export; needs what ``require`` asks for.

    Attributes:
        folder: is served; the export and the pictures lie below it.
        bundle: the export.
        threads: threads that compute.
    """

    folder: Path
    bundle: Path
    threads: int

    @staticmethod
    def require() -> None:
        """Fail where there is no browser, no way to drive it, or no ONNX Runtime for it.

        Raises:
            UnavailableError: one of them is missing.
        """
        find_browser()
        try:
            import playwright.sync_api  # noqa: F401
        except ImportError as error:
            raise UnavailableError("playwright, which drives the browser, is not installed") from error
        install_packages()

    def run(self, pictures: Sequence[Path]) -> Run:
        """See ``Target``. The start is that of the page, in a browser that runs and has nothing stored."""
        from playwright.sync_api import Error, sync_playwright

        with web_server(self.folder) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            page = browser.new_page()
            try:
                page.goto(address)
                paths = [self._address(picture) for picture in pictures]
                answer = page.evaluate(PREDICT, [self._address(self.bundle), paths, self.threads])
            except Error as error:
                raise FailedError(" ".join(error.message.split())) from error
            finally:
                version = browser.version
                browser.close()
        engine = f"ONNX Runtime Web {answer['version']} (WebAssembly), Chromium {version.split('.')[0]}"
        return Run(
            engine, label_maps(answer["predictions"]), answer["ready"] / 1000, statistics.median(answer["times"])
        )

    def _address(self, path: Path) -> str:
        return f"models/{path.relative_to(self.folder).as_posix()}"
