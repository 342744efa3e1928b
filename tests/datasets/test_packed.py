"""Packed data sets: the same samples as the files that went in, from this machine and by URL."""

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import samples as folders
from packed_server import folder_server
from PIL import Image
from toy_data import write_toy_pictures

import segwright.transforms as T
from segwright import atomic
from segwright.datasets import ADE20K, EG1800, Dataset, Packed
from segwright.datasets.digest import digest_data
from segwright.datasets.packed_write import pack
from segwright.errors import ConfigError, DataError, OutputError
from segwright.fetch import download, without_downloads

SHARD = 20_000  # bytes: two toy samples each


def toy(root: Path, transforms=()) -> Dataset:
    return Dataset(list(transforms), root, 2, train_path="train.txt")


@pytest.fixture(scope="module")
def packed(toy_data, tmp_path_factory) -> Path:
    return pack(toy(toy_data), tmp_path_factory.mktemp("packed"), shard_size=SHARD)


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar"))


def same(one, other) -> bool:
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_samples_are_those_of_the_files(toy_data, packed):
    transforms = [T.RandomPaddingCrop((32, 32)), T.RandomDistort(0.4), T.Normalize()]
    files, dataset = toy(toy_data, transforms), Packed(transforms, packed, 2)
    assert len(dataset) == len(files) == 8
    assert all(same(dataset.item(index, 3), files.item(index, 3)) for index in range(8))
    assert list(dataset.palette) == list(files.palette)
    assert dataset.label_survey() == files.label_survey()
    assert digest_data(dataset).value == digest_data(files).value
    assert str(dataset.pairs[0].image).endswith("train-000000.tar/00.png")


def test_a_folder_means_the_index_in_it(packed):
    assert len(Packed([], packed.parent, 2)) == 8


def test_shards_are_tar_files_of_the_size_asked_for_that_hold_unchanged_files(toy_data, packed):
    paths = shards(packed.parent)
    assert [path.name for path in paths] == [f"train-{number:06d}.tar" for number in range(4)]
    found = {}
    for path in paths:
        assert path.stat().st_size <= SHARD + 10240  # what tar adds at the end
        with tarfile.open(path) as archive:
            found |= {entry.name: archive.extractfile(entry).read() for entry in archive}
    assert len(found) == 16
    for name, content in found.items():
        folder = "labels" if ".label." in name else "images"
        assert (toy_data / folder / name.replace(".label", "")).read_bytes() == content


NAMES = {  # picture -> key
    "plain.png": "plain",
    "with space.png": "with space",
    "größe 街.png": "größe 街",
    "v1.2 final.png": "v1_2 final",
    "plain.JPG": "plain-2",
    "deep.er/down.bmp": "deep.er/down",
    "x" * 120 + ".png": "x" * 120,
}


@pytest.fixture
def named(tmp_path) -> Dataset:
    lines = []
    for number, name in enumerate(NAMES):
        image = tmp_path / "set" / "images" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 8), (number, 7, 9)).save(image)
        folders.label_map(tmp_path / "set" / "labels" / f"{number}.png", 0, number % 2, 255)
        lines.append(f"images/{name}\tlabels/{number}.png")
    folders.text(tmp_path / "set" / "train.txt", *lines)
    return Dataset([], tmp_path / "set", 2, train_path="train.txt")


def test_names_are_kept_where_they_can_be(named, tmp_path):
    index = pack(named, tmp_path / "out", shard_size=1 << 20)
    dataset = Packed([], index, 2)
    keys = [
        str(pair.image.relative_to(tmp_path / "out" / "train-000000.tar").with_suffix("")) for pair in dataset.pairs
    ]
    assert keys == list(NAMES.values())
    assert all(same(dataset.load(number), named.load(number)) for number in range(len(NAMES)))


def test_the_webdataset_library_reads_the_shards(named, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    pack(named, tmp_path / "out", shard_size=1 << 20)
    url = str(tmp_path / "out" / "train-000000.tar")
    read = list(webdataset.WebDataset(url, shardshuffle=False).decode("rgb8"))
    assert [sample["__key__"] for sample in read] == list(NAMES.values())
    for number, sample in enumerate(read[:4]):
        image, label = named.load(number)
        assert np.array_equal(sample["png"], image)
        assert np.array_equal(sample["label.png"][:, :, 0], label)


def test_what_label_maps_store_is_translated_as_in_the_original(tmp_path):
    original = ADE20K([], folders.make_ade(tmp_path / "ade", 0, 1, 150), mode="train")
    dataset = Packed([], pack(original, tmp_path / "out", shard_size=1 << 20), 150)
    assert same(dataset.load(0), original.load(0))
    assert set(np.unique(dataset.load(0)[1])) == {0, 149, 255}
    assert dataset.class_names == original.class_names


def test_several_labels_a_pixel_are_read_as_in_the_original(tmp_path):
    folders.picture(tmp_path / "set" / "a.jpg")
    stripes = np.random.default_rng(0).integers(0, 2, (folders.HEIGHT, 3 * folders.WIDTH), dtype=np.uint8)
    Image.fromarray(stripes).save(tmp_path / "set" / "a.png")
    folders.text(tmp_path / "set" / "train.txt", "a.jpg a.png")
    original = Dataset([], tmp_path / "set", 3, train_path="train.txt", multilabel=True)
    index = pack(original, tmp_path / "out", shard_size=1)
    assert same(Packed([], index, 3, multilabel=True).load(0), original.load(0))
    with pytest.raises(ConfigError, match=r"multilabel is False, but the data in .* packed with multilabel: True"):
        Packed([], index, 3)


def test_pictures_without_labels_can_be_packed_too(toy_data, tmp_path):
    bare = Dataset([], toy_data, 2, mode="test", test_path="train.txt")
    bare.pairs = [pair._replace(label=None) for pair in bare.pairs]
    index = pack(bare, tmp_path, shard_size=1 << 20)
    assert Packed([], index, 2, mode="test").load(0)[1] is None
    with pytest.raises(DataError, match="8 of 8 pictures have no label map, which mode train needs"):
        Packed([], index, 2)


def test_samples_made_in_a_way_of_their_own_are_not_packed(tmp_path):
    portraits = EG1800([], dataset_root=folders.make_eg1800(tmp_path / "eg"), mode="train")
    with pytest.raises(ConfigError, match="EG1800 makes its samples in a way of its own"):
        pack(portraits, tmp_path / "out", shard_size=1 << 20)
    assert not (tmp_path / "out").exists()


def test_label_ids_are_checked_as_in_the_original(toy_data, tmp_path):
    many = Dataset([], toy_data, 9, train_path="train.txt")
    index = pack(many, tmp_path / "out", shard_size=1 << 20)
    index.write_text(index.read_text().replace('"ignore_index":255', '"ignore_index":7'))
    with pytest.raises(DataError, match=r"train-000000\.tar/00\.label\.png holds 255, first at row 0, column 0"):
        Packed([], index, 9, ignore_index=7).load(0)


def test_packing_goes_on_where_it_was_interrupted(toy_data, packed, tmp_path, monkeypatch):
    write, written = atomic.write_bytes, []

    def interrupted(path, data, **options):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, data, **options)

    monkeypatch.setattr(atomic, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pack(toy(toy_data), tmp_path, shard_size=SHARD)
    assert not (tmp_path / "index.json").exists()
    first = [path.stat().st_mtime_ns for path in shards(tmp_path)]
    assert len(first) == 2
    monkeypatch.undo()

    for _ in range(2):  # the second time all is there
        pack(toy(toy_data), tmp_path, shard_size=SHARD)
        assert [path.stat().st_mtime_ns for path in shards(tmp_path)][:2] == first
        for name in (*(path.name for path in shards(tmp_path)), "index.json"):
            assert (tmp_path / name).read_bytes() == (packed.parent / name).read_bytes()


@pytest.mark.parametrize("damage", ["flip", "cut", "other"])
def test_what_is_there_and_differs_is_neither_used_nor_replaced(toy_data, packed, tmp_path, damage):
    shutil.copytree(packed.parent, tmp_path / "out")
    victim = tmp_path / "out" / "train-000001.tar"
    content = victim.read_bytes()
    victim.write_bytes(
        {"flip": content[:3000] + bytes([content[3000] ^ 1]) + content[3001:], "cut": content[:5000], "other": b"mine"}[
            damage
        ]
    )
    left = victim.read_bytes()
    with pytest.raises(OutputError, match=r"train-000001\.tar does not hold what is to be packed"):
        pack(toy(toy_data), tmp_path / "out", shard_size=SHARD)
    assert victim.read_bytes() == left


def test_the_index_of_other_data_is_not_replaced(toy_data, packed, tmp_path):
    shutil.copytree(packed.parent, tmp_path / "out")
    other = Dataset([], toy_data, 2, train_path="train.txt", class_names=("one", "two"))
    with pytest.raises(OutputError, match=r"index\.json is of another data set"):
        pack(other, tmp_path / "out", shard_size=SHARD)


def test_too_little_room_is_told_before_anything_is_written(toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 20, 1 << 20, 1000))
    with pytest.raises(OutputError, match="has room for 0 MB"):
        pack(toy(toy_data), tmp_path, shard_size=SHARD)
    assert shards(tmp_path) == []


def test_statements_that_contradict_the_index_are_errors(packed):
    with pytest.raises(ConfigError, match=r"num_classes is 3, but the data in .*index\.json were packed with .*: 2"):
        Packed([], packed, 3)
    with pytest.raises(ConfigError, match="ignore_index is 0, but"):
        Packed([], packed, 2, ignore_index=0)


def test_missing_and_short_shards_are_told_at_once(packed, tmp_path):
    shutil.copytree(packed.parent, tmp_path / "out")
    victim = tmp_path / "out" / "train-000002.tar"
    dataset = Packed([], tmp_path / "out", 2)
    victim.write_bytes(victim.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"train-000002\.tar has 5000 bytes, but index\.json says 20480"):
        Packed([], tmp_path / "out", 2)
    with pytest.raises(DataError, match=r"train-000002\.tar has become shorter"):
        dataset.load(4)
    victim.unlink()
    with pytest.raises(DataError, match=r"train-000002\.tar is missing"):
        Packed([], tmp_path / "out", 2)


def test_a_damaged_picture_is_named_with_its_shard(packed, tmp_path):
    shutil.copytree(packed.parent, tmp_path / "out")
    victim = tmp_path / "out" / "train-000000.tar"
    content = bytearray(victim.read_bytes())
    content[3000] ^= 255
    victim.write_bytes(content)
    with pytest.raises(DataError, match=r"train-000000\.tar/00\.png: .*is damaged or cut short"):
        Packed([], tmp_path / "out", 2).load(0)


def changed(packed: Path, change) -> str:
    content = json.loads(packed.read_text())
    change(content)
    return json.dumps(content)


HOSTILE = {
    "a shard elsewhere": (lambda c: c["shards"][0].update(name="../train-000000.tar"), "shards.0.name"),
    "an absolute shard": (lambda c: c["shards"][0].update(name="/etc/passwd"), "shards.0.name"),
    "a member elsewhere": (lambda c: c["shards"][0]["samples"][0].update(key="../../x"), "leads out of its shard"),
    "an absolute member": (lambda c: c["shards"][0]["samples"][0].update(key="/x"), "leads out of its shard"),
    "a Windows drive": (lambda c: c["shards"][0]["samples"][0].update(key="C:x"), "leads out of its shard"),
    "a suffix with a slash": (lambda c: c["shards"][0]["samples"][0]["image"].__setitem__(0, "/../x.png"), "image.0"),
    "bytes before the shard": (lambda c: c["shards"][0]["samples"][0]["image"].__setitem__(1, -1), "image.1"),
    "bytes behind the shard": (
        lambda c: c["shards"][0]["samples"][0]["image"].__setitem__(2, 1 << 40),
        r"00\.png ends behind the end of train-000000\.tar",
    ),
    "a shard twice": (lambda c: c["shards"].append(c["shards"][0]), "names a shard or a sample twice"),
    "a huge shard": (lambda c: c["shards"][0].update(size=1 << 60), "shards.0.size"),
    "foreign ids": (lambda c: c.update(label_ids={"300": 1}), "label_ids"),
    "no shards": (lambda c: c.update(shards=[]), "shards: "),
    "an unknown key": (lambda c: c.update(run="rm"), "run: "),
    "a newer version": (lambda c: c.update(version=2), "has version 2, but this segwright reads versions up to 1"),
    "another kind": (lambda c: c.update(kind="wids"), "is not the index.json of a packed data set"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_foreign_index_that_names_what_cannot_be_is_refused(packed, tmp_path, name):
    change, message = HOSTILE[name]
    (tmp_path / "index.json").write_text(changed(packed, change))
    with pytest.raises(DataError, match=message):
        Packed([], tmp_path, 2)


@pytest.mark.parametrize("text", ["", "[1]", "null", "{", '"x"', "\x00"])
def test_what_is_no_index_is_refused(tmp_path, text):
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(DataError, match=r"index\.json is (no JSON|not the index\.json)"):
        Packed([], tmp_path, 2)


def test_no_index_at_all(tmp_path):
    with pytest.raises(DataError, match=r"index\.json cannot be read .* 'segwright data pack' writes"):
        Packed([], tmp_path, 2)


@pytest.fixture
def server(packed, monkeypatch, tmp_path):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSE", 0)
    shutil.copytree(packed.parent, tmp_path / "site")
    with folder_server(tmp_path / "site") as server:
        yield server


def test_by_url_each_file_comes_once(toy_data, server):
    files = toy(toy_data)
    for _ in range(2):
        dataset = Packed([], server.url, 2)
        assert all(same(dataset.load(number), files.load(number)) for number in range(8))
    assert server.names == ["index.json", *(path.name for path in shards(server.folder))]
    with without_downloads():
        assert len(Packed([], server.url, 2)) == 8


def test_nothing_is_downloaded_where_it_is_forbidden(server):
    with (
        without_downloads(),
        pytest.raises(DataError, match=r"index\.json is not there, and nothing is to be downloaded"),
    ):
        Packed([], server.url, 2)


def test_r24_a_download_that_breaks_is_taken_up_where_it_broke(tmp_path, server):
    files = toy(write_toy_pictures(tmp_path / "large", count=3, width=300, height=200))
    server.folder = pack(files, tmp_path / "larger", shard_size=1 << 20).parent
    server.breaks = [1 << 20, 140_000]  # the index comes whole, the shard does not
    assert same(Packed([], server.url, 2).load(1), files.load(1))
    assert server.asked == [None, None, "bytes=131072-"]


def test_r24_another_shard_than_the_index_names_is_refused(server, tmp_path):
    victim = server.folder / "train-000003.tar"
    content = bytearray(victim.read_bytes())
    content[700] ^= 1
    victim.write_bytes(content)
    with pytest.raises(DataError, match=r"train-000003\.tar is not the file that was asked for: its sha256 is not"):
        Packed([], server.url, 2)
    assert not list((tmp_path / "cache").rglob("train-000003.tar"))


def test_r24_a_larger_shard_than_the_index_says_is_refused(server):
    with (server.folder / "train-000000.tar").open("ab") as file:
        file.write(b"\0" * 512)
    with pytest.raises(DataError, match="sends more than 20480 bytes"):
        Packed([], server.url, 2)


def test_other_pictures_are_other_data(packed, tmp_path):
    files = toy(write_toy_pictures(tmp_path / "more", count=9))
    index = pack(files, tmp_path / "out", shard_size=SHARD)
    assert digest_data(Packed([], index, 2)).value != digest_data(Packed([], packed, 2)).value
