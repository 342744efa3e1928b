"""``deploy/web`` as it is served: a browser for it, npm's packages, a server, and arrays on their way out of a page."""

import base64
import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import numpy as np
from filelock import FileLock

from benchmarks.targets.target import UnavailableError
from benchmarks.worker import ROOT

WEB = ROOT / "deploy" / "web"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

TO_BASE64 = """
    const encoded = (array) => {
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        let text = "";
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(text);
    };
    const decoded = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const sent = ({ labelMap, width, height }) => [labelMap.constructor.name, height, width, encoded(labelMap)];
"""
"""JavaScript: bytes as text and back, and a prediction for ``label_maps``."""


def label_maps(predictions: Sequence[tuple[str, int, int, str]]) -> list[np.ndarray]:
    """(H, W) label maps of predictions that a page has ``sent``."""
    kinds = {"Uint8Array": np.uint8, "Int32Array": np.int32}
    return [
        np.frombuffer(base64.b64decode(data), kinds[kind]).reshape(height, width)
        for kind, height, width, data in predictions
    ]


def find_browser() -> str:
    """Chromium or Chrome.

    Raises:
        UnavailableError: there is none.
    """
    found = os.environ.get("SEGWRIGHT_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise UnavailableError("no Chromium or Chrome on the path, and SEGWRIGHT_BROWSER does not name one")
    return found


def install_packages() -> None:
    """Have npm install onnxruntime-web and what else ``deploy/web`` names, where it is not there yet.

    Raises:
        UnavailableError: npm is missing, or does not get the packages.
    """
    if shutil.which("npm") is None:
        raise UnavailableError("npm, which installs onnxruntime-web, is not on the path")
    with FileLock(Path(tempfile.gettempdir()) / "segwright-web.lock"):  # of two processes, the first installs
        if (WEB / "node_modules" / ".bin" / "tsc").exists():
            return
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=200)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError("npm ci does not end, so onnxruntime-web is not installed") from error
        if done.returncode:
            raise UnavailableError(f"npm ci does not install onnxruntime-web: {done.stderr[-300:]}")


@contextmanager
def web_server(models: Path, *, isolated: bool = True) -> Iterator[str]:
    """The address of ``deploy/web`` with ``models`` in it, with serve.py's headers or as any static server has it."""
    script = _serve_script()

    class Handler(script.IsolatedHandler):  # type: ignore[name-defined,misc]
        def translate_path(self, path: str) -> str:
            inside = super().translate_path(path)
            below = Path(inside).relative_to(WEB)
            return str(models / Path(*below.parts[1:])) if below.parts[:1] == ("models",) else inside

        def end_headers(self) -> None:
            super().end_headers() if isolated else super(script.IsolatedHandler, self).end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=WEB))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _serve_script() -> ModuleType:
    """``deploy/web/serve.py`` as a module."""
    spec = importlib.util.spec_from_file_location("web_serve", WEB / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
