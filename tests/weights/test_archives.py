"""Weights in archives, and archives that want to be more than a few files."""

import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import Small, as_paddle, assert_state, random_state, write_pdparams

from segwright.errors import WeightsError
from segwright.weights import archives, load_weights, read_weights


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode, format=form) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


KINDS = {
    "weights.zip": zipped,
    "stored.zip": lambda members: zipped(members, zipfile.ZIP_STORED),
    "weights.tar": lambda members: tarred(members, "w:"),
    "weights.tar.gz": tarred,
    "weights.tgz": lambda members: tarred(members, form=tarfile.GNU_FORMAT),
    "named.pdparams": tarred,  # content counts, not the name
}


@pytest.fixture
def weights(tmp_path) -> bytes:
    return write_pdparams(tmp_path / "model.pdparams", as_paddle(random_state())).read_bytes()


@pytest.mark.parametrize("name", KINDS)
def test_the_weights_in_an_archive_are_loaded(tmp_path, weights, name):
    members = {"README.md": b"hello", "bisenet/model.pdparams": weights, "__MACOSX/bisenet/._model.pdparams": b"?"}
    (tmp_path / name).write_bytes(KINDS[name](members))
    before, model = sorted(tmp_path.iterdir()), Small()
    report = load_weights(model, tmp_path / name)
    assert_state(model, random_state())
    assert report.source == str(tmp_path / name / "bisenet/model.pdparams")
    assert sorted(tmp_path.iterdir()) == before


def test_folders_in_an_archive_and_a_pth_that_is_itself_a_zip(tmp_path):
    (tmp_path / "best").mkdir()
    torch.save(random_state(), tmp_path / "best/model.pth")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "best", "best")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("best/", "")
        archive.write(tmp_path / "best/model.pth", "best/model.pth")
    for name in ("a.tar.gz", "a.zip", "best/model.pth"):
        assert read_weights(tmp_path / name).keys() == random_state().keys()


@pytest.mark.parametrize("name", KINDS)
def test_none_or_several_are_an_error_that_names_them(tmp_path, weights, name):
    (tmp_path / name).write_bytes(KINDS[name]({"iter_5/model.pdparams": weights, "best/model.pdparams": weights}))
    with pytest.raises(WeightsError, match=r"found 2: best/model\.pdparams, iter_5/model\.pdparams; unpack it"):
        read_weights(tmp_path / name)
    (tmp_path / name).write_bytes(KINDS[name]({"inference.pdiparams": weights}))
    with pytest.raises(WeightsError, match="found none"):
        read_weights(tmp_path / name)


CLIMBING = ["../model.pdparams", "a/../../model.pdparams", "/etc/model.pdparams", "..\\model.pdparams", "C:\\model.pth"]


@pytest.mark.parametrize("path", CLIMBING)
@pytest.mark.parametrize("name", KINDS)
def test_r23_a_path_that_climbs_is_refused(tmp_path, weights, name, path):
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / name).write_bytes(KINDS[name]({"ok/model.pdparams": weights, path: b"x"}))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WeightsError, match="leads out of it; nothing was unpacked"):
        read_weights(folder / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_r23_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("model.pdparams")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(WeightsError, match="a link, a device"):
        read_weights(tmp_path / "a.tar")


def test_r23_links_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("model.pdparams")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(WeightsError, match="a link, a device"):
        read_weights(tmp_path / "a.zip")


def test_r23_a_file_with_holes_is_refused(tmp_path):
    """GNU tar's sparse files claim any size in one header."""
    header = bytearray(tarred({"model.pdparams": b"x"}, "w:", tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:398] = b"%011o\0" % 0
    header[398:410] = b"%011o\0" % 1
    header[483:495] = b"%011o\0" % (1 << 32)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    (tmp_path / "a.tar").write_bytes(header)
    with pytest.raises(WeightsError, match="a file with holes"):
        read_weights(tmp_path / "a.tar")


ZEROS = bytes(9_000_000)


def lying_zip(zeros: bytes) -> bytes:
    """Its directory claims a hundred bytes."""
    data = bytearray(zipped({"model.pdparams": zeros}))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (100).to_bytes(4, "little")
    return bytes(data)


BOMBS = {
    "zip": lambda: zipped({"model.pdparams": ZEROS}),
    "zip that lies": lambda: lying_zip(ZEROS),
    "zip of another kind": lambda: zipped({"model.pdparams": ZEROS[:1000_000]}, zipfile.ZIP_BZIP2),
    "tar.gz": lambda: tarred({"model.pdparams": ZEROS}),
    "other file": lambda: tarred({"model.pdparams": b"x", "zeros.bin": ZEROS}),
    "behind the end": lambda: gzip.compress(tarred({"model.pdparams": b"x"}, "w:") + ZEROS),
    "long name": lambda: tarred({ZEROS.decode().replace("\0", "x"): b""}, form=tarfile.GNU_FORMAT),
    "plain gzip": lambda: gzip.compress(ZEROS),
}


@pytest.mark.parametrize("name", BOMBS)
def test_r23_memory_stays_bounded(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archives, "LIMITS", archives.LIMITS._replace(harmless=1 << 20))
    data = BOMBS[name]()
    assert len(data) < 50_000
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError):
            archives.unpack(data, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000


def test_r23_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LIMITS", archives.LIMITS._replace(members=20))
    for name in ("weights.zip", "weights.tar.gz"):
        (tmp_path / name).write_bytes(KINDS[name]({f"{number}.txt": b"" for number in range(21)}))
        with pytest.raises(WeightsError, match="more than 20 files"):
            read_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["stored.zip", "weights.zip", "weights.tar", "weights.tar.gz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_r36_truncated_archives_are_named(tmp_path, weights, name, share):
    whole = KINDS[name]({"model.pdparams": weights * 1000})  # so that padding is less than 1 %
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="truncated"):
        read_weights(tmp_path / name)


@settings(deadline=None, max_examples=100)
@given(kind=st.sampled_from(sorted(KINDS)), place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_r36_a_changed_byte_gives_a_file_or_an_error_of_ours(kind, place, value):
    data = bytearray(KINDS[kind]({"a/model.pdparams": b"weights" * 99}))
    data[int(place * len(data))] = value
    try:
        content, where = archives.unpack(bytes(data), Path(kind))
    except WeightsError:
        return
    assert where.parts[0] == kind
    assert content


def test_r36_a_compressed_file_that_is_no_archive_says_so(tmp_path, weights):
    (tmp_path / "model.pdparams.gz").write_bytes(gzip.compress(weights))
    with pytest.raises(WeightsError, match="gzip, but no tar"):
        read_weights(tmp_path / "model.pdparams.gz")
    (tmp_path / "locked.zip").write_bytes(_locked(zipped({"model.pdparams": weights})))
    with pytest.raises(WeightsError, match="password"):
        read_weights(tmp_path / "locked.zip")


def _locked(data: bytes) -> bytes:
    """Mark the only member of a zip as encrypted."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)
