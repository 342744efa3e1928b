"""Weights by URL, against a server on this machine."""

import hashlib
import io
import pickle
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from segwright.errors import WeightsError
from segwright.weights import download, read_weights

WEIGHTS = pickle.dumps({"weight": np.arange(3, dtype=np.float32), "rest": np.ones(60_000, np.float32)})
HALF = len(WEIGHTS) // 2


def archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        member = tarfile.TarInfo("bisenet/model.pdparams")
        member.size = len(WEIGHTS)
        tar.addfile(member, io.BytesIO(WEIGHTS))
    return data.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's attributes say, and remembers what it was asked for."""

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.status != 200:
            return self.send_error(server.status)
        start = 0
        same = not server.heeds_if_range or self.headers.get("If-Range") == server.headers.get("ETag")
        if asked and server.ranges and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(server.body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.body)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
        self.send_header("Content-Length", str(len(server.body) - start))
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        stop = server.breaks.pop(0) if server.breaks else len(server.body)
        self.wfile.write(server.body[start:stop])
        return None

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.body, server.status, server.ranges = [], WEIGHTS, 200, True
    server.headers, server.heeds_if_range = {"ETag": '"one"'}, True
    server.breaks = []  # after how many bytes of the file each answer breaks off
    server.url = f"http://127.0.0.1:{server.server_port}/some/model.pdparams"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(download, "PAUSE", 0)
    return tmp_path / "weights"


def left_in(cache) -> list[str]:
    """What a download left behind, apart from its lock."""
    return [file.name for file in cache.iterdir() if file.suffix != ".lock"]


def check(url: str) -> None:
    assert read_weights(url)["weight"].tolist() == [0, 1, 2]


def test_a_url_is_downloaded_once(server, cache):
    for _ in range(2):
        check(server.url)
    assert server.asked == [None]
    (name,) = left_in(cache)
    assert name.endswith("-model.pdparams")


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [(b"<html>log in first</html>", 200, "web page"), (b"", 200, "empty"), (b"", 404, "404")],
)
def test_r24_a_bad_download_leaves_nothing_and_names_the_place(server, cache, body, status, cause):
    server.body, server.status = body, status
    with pytest.raises(WeightsError, match=cause) as caught:
        read_weights(server.url)
    assert str(cache) in str(caught.value)
    assert left_in(cache) == []


def test_r24_offline_names_the_file_expected_which_then_serves(server, cache):
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match="check the address and the network, or put the file at") as caught:
        read_weights(server.url)
    place = cache / str(caught.value).rpartition("/")[2]
    place.write_bytes(WEIGHTS)
    check(server.url)


@pytest.mark.parametrize("headers", [{"ETag": '"one"'}, {"ETag": '"one"', "Last-Modified": "never read"}])
def test_r24_a_connection_that_breaks_is_taken_up_where_it_broke(server, cache, headers):
    server.headers, server.breaks = headers, [HALF]
    check(server.url)
    first, second = server.asked
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= HALF
    assert len(left_in(cache)) == 1


@pytest.mark.parametrize("change", ["no ranges", "no mark", "weak mark"])
def test_r24_where_parts_cannot_be_trusted_the_download_begins_again(server, change):
    server.ranges = change != "no ranges"
    server.headers = {"no ranges": {"ETag": '"one"'}, "no mark": {}, "weak mark": {"ETag": 'W/"one"'}}[change]
    server.breaks = [HALF]
    check(server.url)
    assert len(server.asked) == 2
    assert (server.asked[1] is None) == (change != "no ranges")


@pytest.mark.parametrize("length", [100, 80_000])  # less than there is already, and more
def test_r24_parts_of_two_files_are_never_put_together(server, length):
    server.breaks = [HALF] * 9
    with pytest.raises(WeightsError):
        read_weights(server.url)
    server.breaks, server.headers, server.heeds_if_range = [], {"ETag": '"two"'}, False
    server.body = pickle.dumps({"weight": np.full(length, 7, np.float32)})
    assert (read_weights(server.url)["weight"] == 7).all()
    assert server.asked[-2] is not None
    assert server.asked[-1] is None


def test_r24_the_next_run_goes_on_unless_the_file_has_changed(server, cache):
    server.breaks = [HALF] * 9
    for _ in range(2):
        with pytest.raises(WeightsError, match=f"of {len(WEIGHTS)}|Incomplete|broken"):
            read_weights(server.url)
    assert server.asked[4] is not None  # the second run went on
    server.breaks, server.headers = [], {"ETag": '"two"'}
    server.body = pickle.dumps({"weight": np.array([4.0])})
    assert read_weights(server.url)["weight"].tolist() == [4]
    assert len(left_in(cache)) == 1


def test_r24_a_run_that_was_killed_before_the_last_step_is_finished(server, cache):
    server.breaks = [HALF] * 9
    with pytest.raises(WeightsError):
        read_weights(server.url)
    (part,) = cache.glob(".*.part")
    part.write_bytes(WEIGHTS)
    server.breaks = []
    check(server.url)
    assert server.asked[-1] == f"bytes={len(WEIGHTS)}-"


def test_r24_fewer_bytes_than_announced_are_no_file(server, cache):
    server.headers, server.breaks = {}, [HALF] * 9
    with pytest.raises(WeightsError, match="cannot download"):
        read_weights(server.url)
    assert len(server.asked) == 1 + download.RETRIES + 1
    assert left_in(cache) == []


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_r24_a_digest_in_the_address_is_checked_also_in_the_cache(server, cache, algorithm):
    address = f"{server.url}#{algorithm}={hashlib.new(algorithm, WEIGHTS).hexdigest()}"
    check(address)
    (name,) = left_in(cache)
    (cache / name).write_bytes(WEIGHTS[:-3])
    check(address)
    server.body = pickle.dumps({"weight": np.zeros(3)})
    (cache / name).unlink()
    with pytest.raises(WeightsError, match=f"its {algorithm} is not"):
        read_weights(address)
    assert left_in(cache) == []


def test_a_digest_that_is_none_is_named_before_anything_is_asked(server, cache):
    with pytest.raises(WeightsError, match="want #sha256= with 64"):
        read_weights(f"{server.url}#sha265=12")
    assert server.asked == []
    assert not cache.exists()


def test_r24_more_than_any_weights_have_is_refused(server, cache, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", HALF)
    with pytest.raises(WeightsError, match="sends more than"):
        read_weights(server.url)
    assert left_in(cache) == []


def test_two_at_once_download_once(server):
    threads = [threading.Thread(target=check, args=(server.url,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [None]


def test_an_archive_by_url_is_read_and_nothing_of_it_is_written(server, cache):
    server.body, server.url = archive(), server.url.replace("model.pdparams", "bisenet.tar.gz")
    check(server.url)
    (name,) = left_in(cache)
    assert name.endswith("-bisenet.tar.gz")
