"""What a path on the command line stands for."""

import shutil
from pathlib import Path

import pytest

from segwright.engine.inputs import Pictures, VideoSource, find_inputs
from segwright.errors import DataError


@pytest.fixture
def pictures(toy_data, tmp_path, monkeypatch):
    for name in ("pics/a.png", "pics/deep/b.png", "pics/deep/er/c.PNG", "[odd]/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(toy_data / "images/00.png", tmp_path / name)
    (tmp_path / "pics/notes.txt").write_text("a.png\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "images", "folder"),
    [
        ("pics/a.png", ["pics/a.png"], "pics"),
        ("pics", ["pics/a.png", "pics/deep/b.png", "pics/deep/er/c.PNG"], "pics"),
        ("pics/notes.txt", ["pics/a.png"], "pics"),
        ("pics/*.png", ["pics/a.png"], "pics"),
        ("pics/*", ["pics/a.png"], "pics"),
        ("pics/**/*.p*", ["pics/a.png", "pics/deep/b.png"], "pics"),
        ("p*/d*/?.png", ["pics/deep/b.png"], "."),
        ("[odd]/d.png", ["[odd]/d.png"], "[odd]"),
    ],
)
def test_pictures(pictures, text, images, folder):
    assert pictures.is_dir()
    found = find_inputs(text)
    assert isinstance(found, Pictures)
    assert found.images == [Path(name) for name in images]
    assert found.folder == Path(folder)


def test_a_list_file_may_name_label_maps(toy_data):
    found = find_inputs(toy_data / "val.txt")
    assert isinstance(found, Pictures)
    assert [found.labels[image].name for image in found.images] == [image.name for image in found.images]


def test_videos_cameras_and_streams(pictures):
    (pictures / "clip.MP4").write_bytes(b"")
    assert find_inputs("clip.MP4") == VideoSource(Path("clip.MP4"))
    assert find_inputs("0") == VideoSource(0)
    assert find_inputs("rtsp://user@host/1") == VideoSource("rtsp://user@host/1")
    (pictures / "1").mkdir()
    with pytest.raises(DataError, match="no picture in 1"):
        find_inputs("1")  # a folder of that name goes before a camera


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere", "does not exist; want a picture, a folder"),
        ("pics/*.jpg", "matches 0 files"),
        ("pics/*.txt", "matches 1 files, none of them a picture"),
    ],
)
def test_what_is_not_there(pictures, text, message):
    assert pictures.is_dir()
    with pytest.raises(DataError, match=message):
        find_inputs(text)
