"""Masks of other ids, colours, black and white; and pictures of annotations."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from segwright.convert import (
    Colours,
    Entry,
    Look,
    NewIds,
    Threshold,
    convert_masks,
    palette_entries,
    read_colour_table,
    write_overlays,
)
from segwright.errors import ConfigError, DataError
from segwright.images import default_palette, read_image, read_label

TABLE = [Entry((0, 0, 0), 0, "ground"), Entry((255, 0, 0), 1, "roof"), Entry((0, 0, 200), 255, "")]


@pytest.fixture
def save(tmp_path):
    def save(values: np.ndarray, name: str = "m.png"):
        Image.fromarray(np.asarray(values, np.uint8)).save(tmp_path / name)
        return tmp_path / name

    return save


def test_r11_masks_of_0_and_255_become_0_and_1(save, tmp_path):
    save([[0, 255], [255, 0]])
    (path,) = convert_masks(tmp_path, tmp_path / "out", NewIds({255: 1})).done
    assert read_label(path).tolist() == [[0, 1], [1, 0]]
    assert NewIds({0: 1, 255: 0})(save([[0, 255, 7]])).tolist() == [[1, 0, 7]]
    assert NewIds({255: 1}, others=9)(save([[0, 255, 7]])).tolist() == [[9, 1, 9]]


def test_blurred_and_jpeg_masks_are_divided_by_brightness(save):
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    assert (Threshold(128)(save(mask, "m.jpg")) == (mask > 0)).mean() > 0.99
    assert Threshold(10)(save([[9, 10, 255]])).tolist() == [[0, 1, 1]]


def test_r8_colours_become_ids(save):
    image = np.array([[(0, 0, 0), (255, 0, 0), (0, 0, 200)]])
    assert Colours(TABLE)(save(image)).tolist() == [[0, 1, 255]]
    near = np.array([[(3, 0, 0), (252, 4, 0), (0, 0, 100)]])
    with pytest.raises(DataError, match=r"3 colours that stand for no class: .*\(252, 4, 0\) in 1 pixels"):
        Colours(TABLE)(save(near))
    with pytest.raises(DataError, match="1 colours"):
        Colours(TABLE, tolerance=4)(save(near))
    assert Colours(TABLE, tolerance=4, others=7)(save(near)).tolist() == [[0, 1, 7]]


@settings(deadline=None, max_examples=10)
@given(arrays(np.uint8, (5, 6), elements=st.integers(0, 20)))
def test_palettes_take_label_maps_to_colours_and_back(tmp_path_factory, label):
    palette = default_palette(21)
    file = tmp_path_factory.mktemp("colours") / "m.png"
    Image.fromarray(np.array(palette, np.uint8)[label]).save(file)
    np.testing.assert_array_equal(Colours(palette_entries(palette))(file), label)


def test_what_was_looked_up_does_not_travel_to_other_processes(save):
    read = Colours(TABLE)
    read(save(np.array([[(255, 0, 0)]])))
    assert len(pickle.dumps(read)) < 5000
    assert pickle.loads(pickle.dumps(read))(save(np.array([[(255, 0, 0)]]))).tolist() == [[1]]


def test_colour_tables_of_several_kinds(tmp_path):
    file = tmp_path / "table.txt"
    file.write_text("# a comment\n0 0 0 0 ground\n1, 255, 0, 0, red roof\n255;0;0;200\n3 tall tree 0 9 0\n")
    entries = read_colour_table(file)
    assert entries[:3] == [
        Entry((0, 0, 0), 0, "ground"),
        Entry((255, 0, 0), 1, "red roof"),
        Entry((0, 0, 200), 255, ""),
    ]
    assert entries[3] == Entry((0, 9, 0), 3, "tall tree")
    file.write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:255,0,0::\n")
    assert read_colour_table(file) == [Entry((0, 0, 0), 0, "background"), Entry((255, 0, 0), 1, "cat")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no colours"),
        ("0 0 0\n", "table.txt:1: want 'ID R G B NAME'"),
        ("0 0 0 256\n", "colours and ids are 0 to 255"),
        ("0 1 1 1\n2 1 1 1\n", r"colour \(1, 1, 1\) stands for 0 and 2"),
    ],
)
def test_colour_tables_that_make_no_sense(tmp_path, text, said):
    (tmp_path / "table.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        read_colour_table(tmp_path / "table.txt")


def test_masks_are_never_written_over(save, tmp_path):
    file = save([[255]])
    for source in (tmp_path, file):
        with pytest.raises(ConfigError, match="holds the masks themselves"):
            convert_masks(source, tmp_path, NewIds({255: 1}))


def test_label_maps_that_look_coloured_keep_their_ids(save, tmp_path):
    file = save([[0, 1, 255]])
    (path,) = convert_masks(file, tmp_path / "out", read_label, [(9, 9, 9), (200, 0, 0)]).done
    assert read_label(path).tolist() == [[0, 1, 255]]
    assert read_image(path)[0, :2].tolist() == [[9, 9, 9], [200, 0, 0]]


def test_overlays_show_the_classes_and_name_them(save, tmp_path):
    image = save(np.full((40, 60, 3), 100), "picture.png")
    label = np.zeros((40, 60), np.uint8)
    label[:20] = 1
    pairs = [(image, save(label, "label.png"))]
    look = Look(default_palette(2), weight=0.5)
    (path,) = write_overlays(pairs, tmp_path / "out", tmp_path, look).done
    drawn = read_image(path)
    assert np.abs(drawn[10, 30].astype(int) - (50, 114, 50)).max() < 5
    assert np.abs(drawn[30, 30].astype(int) - 100).max() < 3
    named = Look(default_palette(2), ("ground", "roof"))
    (path,) = write_overlays(pairs, tmp_path / "named", tmp_path, named).done
    assert read_image(path).size > drawn.size
    stack = np.concatenate([label, 1 - label], axis=1)
    maps = Look(default_palette(3)[1:], multilabel=True, weight=0.5)
    (path,) = write_overlays([(image, save(stack, "stack.png"))], tmp_path / "maps", tmp_path, maps).done
    assert not np.allclose(read_image(path)[30, 30], 100, atol=5)
    failed = write_overlays([(image, save(label[:, :50], "small.png"))], tmp_path / "bad", tmp_path, maps)
    assert "small.png is 50x40" in failed.failures[0][1]
