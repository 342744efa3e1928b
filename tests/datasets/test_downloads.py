"""Data sets that are downloaded when their folder is missing, from a server on this machine."""

import hashlib
import io
import threading
import zipfile
from pathlib import Path

import pytest
import samples
from file_server import file_server

from segwright.datasets import ADE20K, DRIVE, MiniDeepGlobeRoadExtraction, OpticDiscSeg, PascalVOC
from segwright.datasets.folder import Source, find_folder
from segwright.errors import DataError
from segwright.fetch import Digest, download, without_downloads
from segwright.registry import DATASETS


def zipped(folder: Path, top: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{top}{path.relative_to(folder)}")
    return data.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    folder = samples.make_listed(tmp_path_factory.mktemp("drive"), DRIVE.lists, DRIVE.separator, 2)
    (folder / "more.bin").write_bytes(bytes(300_000))  # so that a part of it is several blocks
    return zipped(folder, "some_name/")


@pytest.fixture
def server(archive):
    with file_server(archive, "drive.zip") as server:
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, server):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(DRIVE, "source", DRIVE.source._replace(url=server.url))


def left_in(folder: Path) -> list[str]:
    """What is in a folder, apart from locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_missing_folder_is_downloaded_once_and_nothing_else_stays(server, tmp_path, caplog):
    caplog.set_level("INFO", logger="segwright")
    for _ in range(2):
        assert len(DRIVE([], tmp_path / "data" / "DRIVE")) == 1
    assert server.asked == [None]
    assert left_in(tmp_path / "data") == ["DRIVE"]
    assert f"there is no folder {tmp_path / 'data' / 'DRIVE'} yet: it is made once, from {server.url}" in caplog.text


def test_no_root_means_the_cache(server, tmp_path):
    for mode in DRIVE.lists:
        DRIVE([], mode=mode)
    assert server.asked == [None]
    assert left_in(tmp_path / "cache" / "datasets") == ["drive"]


def test_a_connection_that_breaks_is_taken_up_by_the_next_run(server, archive, tmp_path):
    server.breaks = [len(archive) // 2] * 9
    with pytest.raises(DataError, match="DRIVE is no folder; cannot download"):
        DRIVE([], tmp_path / "DRIVE")
    server.breaks = []
    DRIVE([], tmp_path / "DRIVE")
    assert server.asked[-1].startswith("bytes=")


def test_offline_names_the_archive_expected_which_then_serves_and_stays(server, archive, tmp_path):
    server.status = 404
    with pytest.raises(DataError, match=r"put the file at .*drive\.zip, or give a folder with train_list"):
        DRIVE([], tmp_path / "DRIVE")
    (tmp_path / "drive.zip").write_bytes(archive)
    assert len(DRIVE([], tmp_path / "DRIVE")) == 1
    assert left_in(tmp_path) == ["DRIVE", "drive.zip"]
    assert len(server.asked) == 1


def test_nothing_is_downloaded_where_it_is_forbidden(server, tmp_path):
    with without_downloads(), pytest.raises(DataError, match="nothing is to be downloaded now"):
        DRIVE([], tmp_path / "DRIVE")
    assert server.asked == []


def test_several_processes_or_threads_download_once(server, tmp_path):
    threads = [threading.Thread(target=DRIVE, args=([], tmp_path / "DRIVE")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [None]
    assert len(DRIVE([], tmp_path / "DRIVE")) == 1


@pytest.mark.parametrize("top", ["", "a/", "DRIVE/"])
def test_the_folder_is_found_in_the_archive_whatever_it_is_called_there(server, tmp_path, top):
    samples.make_listed(tmp_path / "made", DRIVE.lists, DRIVE.separator, 2)
    server.body = zipped(tmp_path / "made", top)
    assert len(DRIVE([], tmp_path / "DRIVE")) == 1
    assert (tmp_path / "DRIVE" / "images" / "a.jpg").is_file()


def test_a_digest_is_checked(server, archive, tmp_path):
    wrong = Source(server.url, "drive", "train_list.txt", Digest("md5", "0" * 32))
    with pytest.raises(DataError, match="its md5 is not 0000"):
        find_folder(tmp_path / "DRIVE", "a folder", wrong)
    right = wrong._replace(digest=Digest("md5", hashlib.md5(archive).hexdigest()))
    assert find_folder(tmp_path / "DRIVE", "a folder", right) == tmp_path / "DRIVE"


def bad_zip(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("drive/train_list.txt", "")
        archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (bad_zip("../evil"), r"http.*drive\.zip: this archive is refused, because the path '\.\./evil'"),
        (bad_zip("drive/a.png")[:-40], r"drive\.zip: this archive is truncated"),
        (bad_zip("drive/a.png").replace(b"train_list", b"other_list"), r"holds no train_list\.txt"),
        (b"no archive", "no zip, tar or tar.gz"),
        (b"<html>sign in</html>", "web page"),
    ],
)
def test_a_bad_archive_leaves_no_folder(server, tmp_path, body, cause):
    server.body = body
    with pytest.raises(DataError, match=cause):
        DRIVE([], tmp_path / "deep" / "DRIVE")
    assert left_in(tmp_path / "deep") == []
    assert not list(tmp_path.rglob("evil"))


def test_an_archive_of_the_user_s_is_never_deleted(server, tmp_path):
    (tmp_path / "drive.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"^\S*/drive\.zip: this archive is truncated, damaged or of an unknown kind"):
        DRIVE([], tmp_path / "DRIVE")
    assert left_in(tmp_path) == ["drive.zip"]
    assert server.asked == []


def test_a_file_where_the_folder_should_be_is_no_reason_to_download(server, tmp_path):
    (tmp_path / "DRIVE").write_text("?")
    with pytest.raises(DataError, match="DRIVE is no folder"):
        DRIVE([], tmp_path / "DRIVE")
    assert server.asked == []


def test_sources_are_those_of_paddleseg():
    addresses = {name: kind.source.url for name, kind in DATASETS.items() if getattr(kind, "source", None)}
    assert addresses.keys() == {
        *("CHASEDB1", "DRIVE", "EG1800", "HRF", "MiniDeepGlobeRoadExtraction", "OpticDiscSeg", "STARE", "SUPERVISELY")
    }
    assert all(url.startswith("https://") or "127.0.0.1" in url for url in addresses.values())


@pytest.mark.parametrize(
    ("kind", "make"),
    [(PascalVOC, samples.make_voc), (ADE20K, lambda root: samples.make_ade(root, 0, 1))],
)
def test_published_data_sets_are_checked_by_digest_and_found_in_their_archives(
    server, tmp_path, monkeypatch, kind, make
):
    module = __import__(kind.__module__, fromlist=["SOURCE"])
    server.body = zipped(make(tmp_path / "made"), f"{module.SOURCE.folder}/")
    assert module.SOURCE.digest is not None
    monkeypatch.setattr(module, "SOURCE", module.SOURCE._replace(url=server.url, digest=None))
    assert len(kind([])) > 0
    assert left_in(tmp_path / "cache" / "datasets") == [module.SOURCE.folder]


@pytest.mark.parametrize("kind", [OpticDiscSeg, MiniDeepGlobeRoadExtraction])
def test_other_list_data_sets_are_found_in_their_archives(server, tmp_path, monkeypatch, kind):
    made = samples.make_listed(tmp_path / "made", kind.lists, kind.separator, 2)
    server.body = zipped(made, "optic/")
    monkeypatch.setattr(kind, "source", kind.source._replace(url=server.url))
    assert len(kind([])) == 1
