"""The digest of a data set: what changes it, what does not, and what it costs the second time."""

import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_data import write_toy_pictures

from segwright.datasets import Dataset, file_digests
from segwright.datasets.digest import Content, DataDigest, changes, digest_data, read_listing, write_listing
from segwright.datasets.file_digests import content_digest
from segwright.errors import DataError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data set of 8 pairs, and a cache that is nobody else's."""
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "SETTLED", 0.0)
    return write_toy_pictures(tmp_path / "data")


def digest(root) -> DataDigest:
    return digest_data(Dataset([], root, 2, train_path="train.txt"))


def edit_list(root, edit) -> None:
    path = root / "train.txt"
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")


def test_the_digest_is_the_same_wherever_the_data_lie_and_whatever_files_are_called(folder, tmp_path):
    before = digest(folder)
    moved = tmp_path / "elsewhere/renamed"
    shutil.copytree(folder, moved)
    (moved / "images/03.png").rename(moved / "images/x.png")
    edit_list(moved, lambda lines: [line.replace("images/03", "images/x") for line in lines])
    after = digest(moved)
    assert after.value == before.value
    assert changes(before, after) == []


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_one_changed_byte_is_found_and_the_file_named(folder, kind):
    before = digest(folder)
    path = folder / kind / "03.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    state = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # as if nothing had been done
    after = digest(folder)
    what = "the picture" if kind == "images" else "the label map"
    assert changes(before, after) == [f"{what} changed: {kind}/03.png"]


def test_removed_added_and_reordered_pairs_are_named(folder):
    before = digest(folder)
    edit_list(folder, lambda lines: lines[:5] + lines[6:])
    fewer = digest(folder)
    assert changes(before, fewer) == ["removed: images/05.png"]
    assert changes(fewer, before) == ["added: images/05.png"]
    edit_list(folder, lambda lines: lines[:2] + lines[:1:-1])
    (row,) = changes(fewer, digest(folder))
    assert row == "the order of pairs differs from place 3 on: images/02.png -> images/07.png"


def test_of_many_changes_a_few_are_named_and_the_rest_counted(folder):
    before = digest(folder)
    edit_list(folder, lambda lines: lines[:1])
    rows = changes(before, digest(folder))
    assert len(rows) == 6
    assert rows[-1] == "removed: 2 more"


def test_files_are_read_again_only_when_they_may_have_changed(folder, monkeypatch):
    read, really = [], file_digests._digest
    monkeypatch.setattr(file_digests, "_digest", lambda path: read.append(path) or really(path))
    first = digest(folder)
    assert len(read) == 16
    assert digest(folder) == first
    assert len(read) == 16
    (folder / "images/03.png").touch()
    assert digest(folder) == first
    assert [path.name for path in read[16:]] == ["03.png"]


@pytest.mark.parametrize("content", ["{", "[]", '{"images/00.png": 3}', '{"images/00.png": "1 2"}'])
def test_a_damaged_memory_is_passed_over(folder, tmp_path, content):
    first = digest(folder)
    (memory,) = (tmp_path / "cache/digests").iterdir()
    memory.write_text(content)
    assert digest(folder) == first


def test_a_file_that_was_just_written_is_not_remembered(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(file_digests, "SETTLED", 3600.0)
    digest(folder)
    assert not (tmp_path / "cache/digests").exists()


def test_a_cache_that_cannot_be_written_is_no_obstacle(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path / "file"))
    assert len(digest(folder).contents) == 8


def test_a_file_that_vanished_is_named(folder):
    dataset = Dataset([], folder, 2, train_path="train.txt")
    (folder / "labels/02.png").unlink()
    with pytest.raises(DataError, match=r"labels/02.png: cannot be read: No such file"):
        digest_data(dataset)


def test_pictures_without_label_maps_have_a_digest_too(folder):
    (folder / "test.txt").write_text("images/00.png\nimages/01.png\n")
    contents = digest_data(Dataset([], folder, 2, mode="test", test_path="test.txt")).contents
    assert contents[1] == Content("01.png", content_digest((folder / "images/01.png").read_bytes()))


def test_a_packed_data_set_has_the_digest_of_its_files_and_none_is_read(folder):
    plain = digest(folder)

    class Packed(Dataset):
        def contents(self):
            return [Content(*content) for content in plain.contents]

    packed = Packed([], folder, 2, train_path="train.txt")
    shutil.rmtree(folder)
    assert digest_data(packed) == plain


def test_a_listing_is_read_back_and_a_damaged_one_is_not_believed(folder, tmp_path):
    value = digest(folder)
    path = write_listing(tmp_path, value)
    assert read_listing(tmp_path, value.value) == value
    path.write_text(path.read_text().replace(value.contents[3].label_digest, "0" * 32))
    assert read_listing(tmp_path, value.value) is None
    path.write_text(path.read_text()[:-30])
    assert read_listing(tmp_path, value.value) is None
    assert read_listing(tmp_path, "0" * 32) is None


contents = st.lists(
    st.builds(Content, *(st.sampled_from(letters) for letters in ("abc", "12", "xyz", "12"))), min_size=1, max_size=6
)


@given(contents, contents)
def test_changes_are_told_exactly_where_digests_differ(old, new):
    differ = [pair.digests for pair in old] != [pair.digests for pair in new]
    old, new = DataDigest(tuple(old)), DataDigest(tuple(new))
    assert (old.value != new.value) == differ
    assert bool(changes(old, new)) == differ
