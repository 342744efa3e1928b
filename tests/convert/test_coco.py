"""COCO's files: masks, numbers of classes, overlaps, damage, and the way there and back."""

import json
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from segwright.convert import convert_coco, dense_ids, kept_ids, read_coco, write_coco
from segwright.convert.coco_masks import decode_segmentation, encode_runs
from segwright.convert.coco_read import Picture, paint_labels, paint_stack
from segwright.convert.outlines import coco_annotation, regions
from segwright.errors import DataError
from segwright.images import read_label
from segwright.types import Size

library = pytest.importorskip("pycocotools.mask")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def part(category: int, left: int, top: int, right: int, bottom: int, **more: object) -> dict:
    return {
        "id": 1,
        "category_id": category,
        "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
        **more,
    }


def pixels(segmentation: object, size: Size) -> np.ndarray:
    """(H, W) bool."""
    mask = np.zeros(size, bool)
    decode_segmentation(segmentation, size, "here").fill(mask, True)
    return mask


def picture(*annotations: dict) -> Picture:
    return Picture(PurePosixPath("a.jpg"), Size(6, 8), list(annotations))


def test_run_lengths_of_both_kinds_run_down_the_columns():
    mask = np.zeros((3, 4), bool)
    mask[1:, 1] = mask[0, 2] = True
    assert encode_runs(mask) == {"size": [3, 4], "counts": "435"}
    for counts in ("435", [4, 3, 5]):
        runs = {"size": [3, 4], "counts": counts}
        np.testing.assert_array_equal(pixels(runs, Size(3, 4)), mask)


def test_polygons_enclose_the_middles_of_pixels():
    mask = pixels([[1, 1, 4, 1, 4, 3, 1, 3], [6, 0, 8, 0, 8, 1, 6, 1]], Size(6, 8))
    expected = np.zeros((6, 8), bool)
    expected[1:3, 1:4] = expected[0, 6:8] = True
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(pixels([1, 1, 4, 1, 4, 3, 1, 3], Size(6, 8))[1:3, 1:4], True)


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        [[1, 1, 2, 2]],
        [[1, 1, 2, 2, 3]],
        [["a"] * 6],
        [[1, 1, 2, 2, 1e9, 3]],
        [[1, 1, 2, 2, float("nan"), 3]],
        {"size": [6, 8]},
        {"size": [8, 6], "counts": [48]},
        {"size": [6, 8], "counts": [47]},
        {"size": [6, 8], "counts": [-1, 49]},
        {"size": [6, 8], "counts": "0"},
        {"size": [6, 8], "counts": "\x7f\x7f"},
        {"size": [6, 8], "counts": "ä"},
        {"size": [6, 8], "counts": "oooooooooooooooooooooooooooooooo"},
    ],
)
def test_r25_damaged_segmentations_are_told(segmentation):
    with pytest.raises(DataError, match="here"):
        pixels(segmentation, Size(6, 8))


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=20))
def test_r25_any_text_for_run_lengths_is_a_mask_or_an_error(counts):
    try:
        mask = pixels({"size": [6, 8], "counts": counts}, Size(6, 8))
    except DataError:
        return
    assert mask.shape == (6, 8)


def test_smaller_annotations_lie_on_larger_ones_and_crowds_below():
    categories = dense_ids({5: "a", 9: "b"})
    large, small = part(5, 0, 0, 8, 6), part(9, 2, 2, 4, 4)
    for annotations in ((large, small), (small, large)):
        label = paint_labels(picture(*annotations), categories)
        assert (label == 2).sum() == 4
        assert (label == 1).sum() == 44
    crowd = part(9, 2, 2, 4, 4, iscrowd=1)
    assert (paint_labels(picture(large, crowd), categories) == 1).all()
    only = {kind: paint_labels(picture(crowd), categories, crowd=kind).max() for kind in ("paint", "ignore", "skip")}
    assert only == {"paint": 2, "ignore": 255, "skip": 0}
    stack = paint_stack(picture(large, small), categories, [1, 2])
    assert stack.sum(axis=(0, 1)).tolist() == [48, 4]


def test_categories_are_numbered_densely_or_kept():
    names = {7: "cat", 3: "dog"}
    dense = dense_ids(names)
    assert (dense.names, dense.ids, dense.unlabelled) == (("_background_", "dog", "cat"), {3: 1, 7: 2}, 0)
    assert dense_ids(names, background=False).ids == {3: 0, 7: 1}
    assert dense_ids({0: "dog", 1: "background"}).unlabelled == 1
    kept = kept_ids(names)
    assert (len(kept.names), kept.names[4], kept.ids, kept.unlabelled) == (8, "unused_4", {3: 3, 7: 7}, 0)
    assert kept_ids({0: "cat"}).unlabelled == 255  # 0 is taken
    assert kept_ids({0: "_background_", 255: "__ignore__"}).ids == {0: 0, 255: 255}
    with pytest.raises(DataError, match="do not fit"):
        kept_ids({70000: "far"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("categories"), "has no lists images, annotations, categories"),
        (lambda c: c["images"][0].pop("width"), "missing or wrong: 'width'"),
        (lambda c: c["images"][0].update(height=0), "is said to be 8x0"),
        (lambda c: c["images"][0].update(file_name="../../x.png"), "leads out of the picture folder"),
        (lambda c: c["annotations"].append({"segments_info": []}), "panoptic"),
    ],
)
def test_r25_files_that_are_something_else_are_told(tmp_path, change, said):
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 8, "height": 6}],
        "annotations": [],
        "categories": [{"id": 1, "name": "a"}],
    }
    change(content)
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=said):
        read_coco(path)


def test_r25_one_bad_annotation_spoils_one_picture(tmp_path, caplog):
    good, bad = picture(part(1, 0, 0, 2, 2)), Picture(PurePosixPath("b.jpg"), Size(6, 8), [part(4, 0, 0, 2, 2)])
    report = convert_coco([bad, good], dense_ids({1: "a"}), tmp_path)
    assert [path.name for path in report.done] == ["a.png"]
    assert "b.jpg: annotation 1 is of category 4, which the file does not list" in caplog.text


@settings(deadline=None, max_examples=100)
@given(arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 12))))
def test_run_lengths_are_read_as_cocos_own_library_reads_them(mask):
    runs = encode_runs(mask)
    np.testing.assert_array_equal(pixels(runs, Size.of(mask)), mask)
    np.testing.assert_array_equal(library.decode({**runs, "counts": runs["counts"].encode()}), mask)


numbers = st.lists(st.floats(-12, 40, width=32), min_size=6, max_size=12)
polygons = numbers.map(lambda values: values[: len(values) // 2 * 2])


@settings(deadline=None, max_examples=200)
@given(st.lists(polygons, min_size=1, max_size=3))
def test_polygons_are_drawn_as_cocos_own_library_draws_them(polygons):
    size = Size(17, 29)
    runs = library.merge(library.frPyObjects(polygons, *size))
    np.testing.assert_array_equal(pixels(polygons, size), library.decode(runs))


masks = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(lambda size: arrays(bool, size))


@settings(deadline=None, max_examples=150)
@given(masks)
def test_outlines_are_exact_for_cocos_own_library(mask):
    again = np.zeros_like(mask)
    for region in regions(mask, 1):
        found = pixels(coco_annotation(region)["segmentation"], Size.of(mask))
        assert found.sum() == region.area
        again |= found
    np.testing.assert_array_equal(again, mask)


def write_pair(folder: Path, label: np.ndarray, name: str) -> tuple[Path, Path]:
    for kind in ("images", "labels"):
        (folder / kind).mkdir(exist_ok=True)
    image, path = folder / "images" / f"{name}.jpg", folder / "labels" / f"{name}.png"
    Image.fromarray(np.zeros((*label.shape, 3), np.uint8)).save(image)
    Image.fromarray(label).save(path)
    return image, path


@settings(deadline=None, max_examples=25)
@given(arrays(np.uint8, (9, 11), elements=st.sampled_from([0, 1, 2, 255])), st.sampled_from(["polygons", "rle"]))
def test_label_maps_come_back_to_the_pixel(tmp_path_factory, label, kind):
    folder = tmp_path_factory.mktemp("coco")
    file = folder / "out.json"
    write_coco([write_pair(folder, label, "a")], file, folder, ["_background_", "a", "b"], kind=kind, hidden=(0,))
    pictures, names = read_coco(file)
    (path,) = convert_coco(pictures, kept_ids(names), folder / "back").done
    assert path == folder / "back" / "images" / "a.png"
    np.testing.assert_array_equal(read_label(path), label)


def test_the_file_is_not_replaced_unasked_and_pictures_lie_in_its_folder(tmp_path):
    pair = write_pair(tmp_path, np.zeros((3, 4), np.uint8), "a")
    (tmp_path / "out.json").write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        write_coco([pair], tmp_path / "out.json", tmp_path, ["sky"])
    with pytest.raises(DataError, match="does not lie in"):
        write_coco([pair], tmp_path / "other.json", tmp_path / "labels", ["sky"])
    assert (tmp_path / "out.json").read_text() == "mine"


def test_real_annotations_cover_what_they_say(shared, tmp_path):
    file = shared / "data" / "tiny" / "coco" / "coco_instances" / "annotations" / "instances.json"
    pictures, names = read_coco(file)
    categories = dense_ids(names)
    report = convert_coco(pictures, categories, tmp_path)
    assert (len(report.done), report.failures) == (7, [])
    for found, path in zip(pictures, report.done, strict=True):
        label = read_label(path)
        assert label.shape == found.size
        for annotation in found.annotations:
            left, top, width, height = (round(value) for value in annotation["bbox"])
            inside = label[top : top + height, left : left + width] == categories.ids[annotation["category_id"]]
            assert inside.sum() > 0.9 * annotation["area"]
