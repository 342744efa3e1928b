"""Weights by URL, against a server on this machine; how a file comes is tested in tests/fetch."""

import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest
from file_server import file_server

from segwright.errors import WeightsError
from segwright.fetch import without_downloads
from segwright.weights import download, read_weights

WEIGHTS = pickle.dumps({"weight": np.arange(3, dtype=np.float32), "rest": np.ones(60_000, np.float32)})


def archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        member = tarfile.TarInfo("bisenet/model.pdparams")
        member.size = len(WEIGHTS)
        tar.addfile(member, io.BytesIO(WEIGHTS))
    return data.getvalue()


@pytest.fixture
def server():
    with file_server(WEIGHTS, "model.pdparams") as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path))
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


def test_r24_offline_names_the_file_expected_which_then_serves(cache):
    with file_server(WEIGHTS, "model.pdparams") as gone:
        url = gone.url
    with pytest.raises(WeightsError, match="check the address and the network, or put the file at") as caught:
        read_weights(url)
    place = cache / str(caught.value).rpartition("/")[2]
    place.write_bytes(WEIGHTS)
    check(url)


def test_no_weights_are_downloaded_where_it_is_forbidden(server):
    with without_downloads(), pytest.raises(WeightsError, match="nothing is to be downloaded now"):
        read_weights(server.url)
    assert server.asked == []


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
    monkeypatch.setattr(download, "LARGEST", len(WEIGHTS) // 2)
    with pytest.raises(WeightsError, match="sends more than"):
        read_weights(server.url)
    assert left_in(cache) == []


def test_an_archive_by_url_is_read_and_nothing_of_it_is_written(server, cache):
    server.body, server.url = archive(), server.url.replace("model.pdparams", "bisenet.tar.gz")
    check(server.url)
    (name,) = left_in(cache)
    assert name.endswith("-bisenet.tar.gz")
