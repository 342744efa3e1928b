"""Weights by URL, against a server on this machine."""

import pickle
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from segwright.errors import WeightsError
from segwright.weights import read_weights

WEIGHTS = pickle.dumps({"weight": np.arange(3, dtype=np.float32)})


class Handler(BaseHTTPRequestHandler):
    """Weights, a page, a short answer, or nothing, by path."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        bodies = {
            "/good/model.pdparams": WEIGHTS,
            "/short/model.pdparams": WEIGHTS[:20],
            "/page/model.pdparams": b"<html>log in first</html>",
            "/empty/model.pdparams": b"",
        }
        if self.path not in bodies:
            self.send_error(404)
            return
        body = bodies[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(WEIGHTS) if "short" in self.path else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path))
    return tmp_path / "weights"


def address(server, name: str) -> str:
    return f"http://127.0.0.1:{server.server_port}/{name}/model.pdparams"


def test_a_url_is_downloaded_once(server, cache):
    for _ in range(2):
        assert read_weights(address(server, "good"))["weight"].tolist() == [0, 1, 2]
    assert server.asked == ["/good/model.pdparams"]
    (file,) = cache.iterdir()
    assert file.name.endswith("-model.pdparams")


@pytest.mark.parametrize(
    ("name", "cause"), [("page", "web page"), ("gone", "404"), ("short", "cannot download"), ("empty", "empty file")]
)
def test_r24_a_bad_download_leaves_nothing_and_names_the_place(server, cache, name, cause):
    with pytest.raises(WeightsError, match=cause) as caught:
        read_weights(address(server, name))
    assert str(cache) in str(caught.value)
    assert not list(cache.iterdir())


def test_r24_offline_names_the_file_expected_which_then_serves(server, cache):
    url = address(server, "good")
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match="check the address and the network, or put the file at") as caught:
        read_weights(url)
    place = cache / str(caught.value).rpartition("/")[2]
    place.write_bytes(WEIGHTS)
    assert read_weights(url)["weight"].tolist() == [0, 1, 2]


def test_archives_are_not_unpacked(cache):
    with pytest.raises(WeightsError, match="is an archive; download and unpack it"):
        read_weights("https://example.org/weights/model.tar.gz")
    assert not cache.exists()
