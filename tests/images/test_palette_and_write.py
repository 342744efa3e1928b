"""Colours, overlays and written files."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from segwright.errors import ConfigError, DataError
from segwright.images import (
    custom_palette,
    default_palette,
    overlay,
    read_image,
    read_label,
    write_image,
    write_label_map,
)

LABEL = np.array([[0, 1, 255], [1, 0, 0]], np.uint8)


def test_default_palette_is_black_then_the_references_colours():
    assert default_palette(5) == [(0, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128)]
    assert default_palette(21)[20 - 1] == (0, 64, 128)  # tv monitor, VOC's class 20
    assert default_palette(256)[254] == (224, 224, 192)  # VOC's void, number 255
    assert len(set(default_palette(1000))) == 1000


def test_default_palette_is_that_of_a_real_voc_label(shared):
    image = Image.open(shared / "data/tiny/voc/VOCdevkit/VOC2012/SegmentationClass/2007_004189.png")
    colours = np.reshape(image.getpalette(), (-1, 3))[1:21]
    assert [tuple(colour) for colour in colours.tolist()][1:] == default_palette(20)[1:]


def test_custom_palette_goes_first():
    assert custom_palette([1, 2, 3, 4, 5, 6], 3) == [(1, 2, 3), (4, 5, 6), (128, 128, 0)]
    with pytest.raises(ConfigError, match="got 4 numbers"):
        custom_palette([1, 2, 3, 4], 2)
    with pytest.raises(ConfigError, match="got 256, -1"):
        custom_palette([1, 256, -1], 2)


def test_overlay_weighs_the_picture_and_leaves_ignored_pixels():
    image = np.full((2, 3, 3), 100, np.uint8)
    blended = overlay(image, LABEL, [(10, 0, 0), (200, 50, 0)])
    assert blended[0].tolist() == [[64, 60, 60], [140, 80, 60], [100, 100, 100]]
    np.testing.assert_array_equal(overlay(image, LABEL, default_palette(2), weight=1), image)
    assert (image == 100).all()
    np.testing.assert_array_equal(overlay(image, LABEL.astype(np.int64) - 1, default_palette(2))[0, 0], image[0, 0])


def test_overlay_lets_the_picture_show_through_a_black_background():
    image = np.full((2, 3, 3), 100, np.uint8)
    blended = overlay(image, LABEL, default_palette(2))
    assert blended[LABEL == 0].tolist() == image[LABEL == 0].tolist()
    assert (blended[LABEL == 1] != 100).any(axis=-1).all()


def test_overlay_rounds_as_opencv():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    label = rng.integers(1, 19, (20, 30), dtype=np.uint8)
    colours = np.array(default_palette(19), np.uint8)[label]
    np.testing.assert_array_equal(
        overlay(image, label, default_palette(19)), cv2.addWeighted(image, 0.6, colours, 0.4, 0)
    )


def test_overlay_refuses_other_sizes_and_weights():
    with pytest.raises(DataError, match=r"2x3 label map over a 3x2 picture"):
        overlay(np.zeros((2, 3, 3), np.uint8), LABEL.T, default_palette(2))
    with pytest.raises(ConfigError, match=r"0 to 1, got 1\.5"):
        overlay(np.zeros((2, 3, 3), np.uint8), LABEL, default_palette(2), weight=1.5)


@pytest.mark.parametrize("num_classes", [2, 3, 19, 256])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_label_map_round_trip(tmp_path, num_classes, dtype):
    label = LABEL.astype(dtype)
    path = tmp_path / "new" / "folder" / "label.png"
    write_label_map(path, label, default_palette(num_classes))
    np.testing.assert_array_equal(read_label(path), label)
    assert Image.open(path).mode == "P"
    assert read_image(path)[0, 0].tolist() == list(default_palette(num_classes)[int(label[0, 0])])
    assert [file.name for file in path.parent.iterdir()] == ["label.png"]


def test_r85_more_than_256_classes_are_written_with_16_bits(tmp_path):
    for label in (LABEL, LABEL.astype(np.int32) + 40_000):
        write_label_map(tmp_path / "label.png", label, default_palette(300))
        assert Image.open(tmp_path / "label.png").mode.startswith("I")
        np.testing.assert_array_equal(read_label(tmp_path / "label.png"), label)


def test_label_map_refuses_other_formats_and_impossible_ids(tmp_path):
    with pytest.raises(ConfigError, match=r"label\.jpg: label maps are written as PNG"):
        write_label_map(tmp_path / "label.jpg", LABEL, default_palette(2))
    with pytest.raises(DataError, match="got -1 to 70000"):
        write_label_map(tmp_path / "label.png", np.array([[-1, 70000]]), default_palette(2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".TIFF", ".jpg", ".JPEG", ".webp", ".gif"])
def test_image_is_written_in_the_format_of_its_suffix(tmp_path, suffix):
    image = np.full((8, 8, 3), (200, 30, 60), np.uint8)
    path = tmp_path / f"image{suffix}"
    write_image(path, image)
    assert np.abs(read_image(path).astype(int) - image).max() <= 6
    assert Image.open(path).format == {"jpg": "JPEG", "tif": "TIFF"}.get(suffix[1:].lower(), suffix[1:].upper())


def test_image_with_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"suffix '\.pgn'; did you mean '\.png'"):
        write_image(tmp_path / "image.pgn", np.zeros((2, 2, 3), np.uint8))


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "label.png"
    write_label_map(path, LABEL, default_palette(2))
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_label_map(path, LABEL * 0, default_palette(2))
    assert [file.name for file in tmp_path.iterdir()] == ["label.png"]
    assert path.read_bytes() == before


def test_written_png_is_readable_elsewhere(tmp_path):
    write_label_map(tmp_path / "label.png", LABEL, default_palette(2))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO((tmp_path / "label.png").read_bytes()))), LABEL)
