"""Archives written to a folder; what is refused in them is tested with archives of weights, too."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.fetch import ArchiveError, Limits, unpack

LIMITS = Limits(members=50, inflation=20, harmless=1 << 20, largest=1 << 24)
FILES = {"road/train.txt": b"a b\n", "road/images/deep/a.png": bytes(range(256)) * 9, "road/empty.txt": b""}


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("road/", "")
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


KINDS = {"zip": zipped, "tar.gz": tarred, "tar": lambda files: tarred(files, "w:")}


@pytest.mark.parametrize("kind", KINDS)
def test_files_come_out_as_they_went_in(tmp_path, kind):
    shadows = {"__MACOSX/road/._train.txt": b"?", "road/.DS_Store": b"?"}
    (tmp_path / "archive").write_bytes(KINDS[kind](FILES | shadows))
    unpack(tmp_path / "archive", tmp_path / "out", LIMITS)
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == FILES.keys()
    for name, content in FILES.items():
        assert (tmp_path / "out" / name).read_bytes() == content


def test_backslashes_are_folders(tmp_path):
    (tmp_path / "archive").write_bytes(tarred({"road\\images\\a.png": b"x"}))
    unpack(tmp_path / "archive", tmp_path / "out", LIMITS)
    assert (tmp_path / "out" / "road" / "images" / "a.png").read_bytes() == b"x"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:\\evil"])
def test_r23_a_path_that_climbs_writes_nothing_outside(tmp_path, kind, name):
    (tmp_path / "archive").write_bytes(KINDS[kind](FILES | {name: b"x"}))
    with pytest.raises(ArchiveError, match="leads out of it"):
        unpack(tmp_path / "archive", tmp_path / "in" / "out", LIMITS)
    outside = [path for path in tmp_path.rglob("*") if "out" not in path.parts and path.is_file()]
    assert outside == [tmp_path / "archive"]


def test_r23_a_link_and_what_would_be_written_through_it_are_refused(tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        link = tarfile.TarInfo("road")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
    (tmp_path / "archive").write_bytes(data.getvalue())
    with pytest.raises(ArchiveError, match="a link"):
        unpack(tmp_path / "archive", tmp_path / "out", LIMITS)
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        entry = zipfile.ZipInfo("road")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, str(tmp_path))
    with pytest.raises(ArchiveError, match="a link"):
        unpack(tmp_path / "archive", tmp_path / "out", LIMITS)


@pytest.mark.parametrize("kind", KINDS)
def test_r23_size_and_number_are_bounded_while_unpacking(tmp_path, kind):
    (tmp_path / "archive").write_bytes(KINDS[kind]({"zeros": bytes(3 << 20)}))
    limits = LIMITS if kind != "tar" else LIMITS._replace(largest=1 << 20)
    with pytest.raises(ArchiveError, match="inflates"):
        unpack(tmp_path / "archive", tmp_path / "out", limits)
    assert sum(path.stat().st_size for path in tmp_path.rglob("zeros")) <= 2 << 20
    (tmp_path / "archive").write_bytes(KINDS[kind]({f"{number}.txt": b"" for number in range(51)}))
    with pytest.raises(ArchiveError, match="more than 50 files"):
        unpack(tmp_path / "archive", tmp_path / "out", LIMITS)


def test_what_is_no_archive_says_so(tmp_path):
    (tmp_path / "archive").write_bytes(b"hello")
    with pytest.raises(ArchiveError, match=r"no zip, tar or tar\.gz"):
        unpack(tmp_path / "archive", tmp_path / "out", LIMITS)


@settings(deadline=None, max_examples=60)
@given(kind=st.sampled_from(sorted(KINDS)), place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_r36_a_changed_byte_gives_files_or_an_error_of_ours(tmp_path_factory, kind, place, value):
    folder: Path = tmp_path_factory.mktemp("changed")
    data = bytearray(KINDS[kind](FILES))
    data[int(place * len(data))] = value
    (folder / "archive").write_bytes(data)
    try:
        unpack(folder / "archive", folder / "out", LIMITS)
    except (ArchiveError, OSError):
        return
    assert any((folder / "out").iterdir())
