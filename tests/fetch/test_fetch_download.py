"""Files by URL, against a server on this machine."""

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest
from file_server import file_server

from segwright.fetch import Digest, DownloadError, download, download_file, without_downloads

CONTENT = np.random.default_rng(5).bytes(240_000)
HALF = len(CONTENT) // 2


@pytest.fixture
def server():
    with file_server(CONTENT, "data.zip") as server:
        yield server


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setattr(download, "PAUSE", 0)


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "deep" / "data.zip"


def bring(server, target: Path, digest: Digest | None = None, largest: int = 1 << 20) -> bytes:
    download_file(server.url, target, largest=largest, digest=digest)
    return target.read_bytes()


def left_beside(target: Path) -> list[str]:
    """What a download left behind, apart from its lock."""
    return [file.name for file in target.parent.iterdir() if file.suffix != ".lock"]


def test_a_file_is_downloaded_once(server, target):
    for _ in range(2):
        assert bring(server, target) == CONTENT
    assert server.asked == [None]
    assert left_beside(target) == ["data.zip"]


def test_nothing_is_downloaded_where_it_is_forbidden(server, target):
    with without_downloads(), pytest.raises(DownloadError, match=r"data\.zip is not there, and nothing is to be"):
        bring(server, target)
    assert server.asked == []
    assert bring(server, target) == CONTENT
    with without_downloads():
        assert bring(server, target) == CONTENT


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [(b"<html>log in first</html>", 200, "web page"), (b"", 200, "empty"), (b"", 404, "404")],
)
def test_r24_a_bad_download_leaves_nothing_and_names_the_place(server, target, body, status, cause):
    server.body, server.status = body, status
    with pytest.raises(DownloadError, match=cause) as caught:
        bring(server, target)
    assert str(target) in str(caught.value)
    assert left_beside(target) == []


@pytest.mark.parametrize("headers", [{"ETag": '"one"'}, {"ETag": '"one"', "Last-Modified": "never read"}])
def test_r24_a_connection_that_breaks_is_taken_up_where_it_broke(server, target, headers):
    server.headers, server.breaks = headers, [HALF]
    assert bring(server, target) == CONTENT
    first, second = server.asked
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= HALF
    assert left_beside(target) == ["data.zip"]


@pytest.mark.parametrize("change", ["no ranges", "no mark", "weak mark"])
def test_r24_where_parts_cannot_be_trusted_the_download_begins_again(server, target, change):
    server.ranges = change != "no ranges"
    server.headers = {"no ranges": {"ETag": '"one"'}, "no mark": {}, "weak mark": {"ETag": 'W/"one"'}}[change]
    server.breaks = [HALF]
    assert bring(server, target) == CONTENT
    assert len(server.asked) == 2
    assert (server.asked[1] is None) == (change != "no ranges")


@pytest.mark.parametrize("length", [100, 320_000])  # less than there is already, and more
def test_r24_parts_of_two_files_are_never_put_together(server, target, length):
    server.breaks = [HALF] * 9
    with pytest.raises(DownloadError):
        bring(server, target)
    server.breaks, server.headers, server.heeds_if_range = [], {"ETag": '"two"'}, False
    server.body = b"7" * length
    assert bring(server, target) == server.body
    assert server.asked[-2] is not None
    assert server.asked[-1] is None


def test_r24_the_next_run_goes_on_unless_the_file_has_changed(server, target):
    server.breaks = [HALF] * 9
    for _ in range(2):
        with pytest.raises(DownloadError, match=f"of {len(CONTENT)}|Incomplete|broken"):
            bring(server, target)
    assert server.asked[4] is not None  # the second run went on
    server.breaks, server.headers, server.body = [], {"ETag": '"two"'}, b"another file"
    assert bring(server, target) == b"another file"
    assert left_beside(target) == ["data.zip"]


def test_r24_a_run_that_was_killed_before_the_last_step_is_finished(server, target):
    server.breaks = [HALF] * 9
    with pytest.raises(DownloadError):
        bring(server, target)
    (part,) = target.parent.glob(".*.part")
    part.write_bytes(CONTENT)
    server.breaks = []
    assert bring(server, target) == CONTENT
    assert server.asked[-1] == f"bytes={len(CONTENT)}-"


def test_r24_fewer_bytes_than_announced_are_no_file(server, target):
    server.headers, server.breaks = {}, [HALF] * 9
    with pytest.raises(DownloadError, match="cannot download"):
        bring(server, target)
    assert len(server.asked) == 1 + download.RETRIES + 1
    assert left_beside(target) == []


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_r24_a_digest_is_checked_also_of_what_is_there(server, target, algorithm):
    digest = Digest(algorithm, hashlib.new(algorithm, CONTENT).hexdigest())
    assert bring(server, target, digest) == CONTENT
    target.write_bytes(CONTENT[:-3])
    assert bring(server, target, digest) == CONTENT
    server.body = b"another file"
    target.unlink()
    with pytest.raises(DownloadError, match=f"its {algorithm} is not"):
        bring(server, target, digest)
    assert left_beside(target) == []


def test_r24_more_than_expected_is_refused(server, target):
    with pytest.raises(DownloadError, match="sends more than"):
        bring(server, target, largest=HALF)
    assert left_beside(target) == []


def test_two_at_once_download_once(server, target):
    threads = [threading.Thread(target=bring, args=(server, target)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [None]
    assert target.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match="cannot download"):
        bring(server, tmp_path / "file" / "data.zip")
