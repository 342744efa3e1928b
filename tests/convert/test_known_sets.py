"""The published files of known data sets, imitated small."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segwright.convert import NewIds, augment_voc, convert_cityscapes, convert_context, convert_masks
from segwright.convert.cityscapes import paint_polygons
from segwright.datasets import Cityscapes, PascalContext, PascalVOC
from segwright.datasets.coco_stuff import PUBLISHED
from segwright.errors import DataError
from segwright.images import read_label


def square(label: str, left: int, top: int, right: int, bottom: int, **more: object) -> dict:
    return {"label": label, "polygon": [[left, top], [right, top], [right, bottom], [left, bottom]], **more}


def content(*objects: dict) -> dict:
    return {"imgWidth": 8, "imgHeight": 6, "objects": list(objects)}


def test_cityscapes_objects_are_painted_in_their_order():
    objects = (
        square("road", 0, 0, 7, 5),
        square("cargroup", 1, 1, 2, 2),
        square("license plate", 2, 2, 2, 2),
        square("sky", 5, 0, 7, 1, deleted=1),
        square("ego vehicle", 0, 5, 7, 5),
    )
    label = paint_polygons(content(*objects), "trainIds", "x")
    assert label.dtype == np.uint8
    assert np.unique(label, return_counts=True)[1].tolist() == [36, 4, 8]
    assert set(np.unique(label)) == {0, 13, 255}
    assert set(np.unique(paint_polygons(content(*objects), "ids", "x"))) == {7, 26, 1}
    assert (paint_polygons(content(), "ids", "x") == 0).all()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({}, "imgWidth, imgHeight or objects"),
        ([], "imgWidth, imgHeight or objects"),
        (content({"label": "road"}), "missing or wrong"),
        (content(square("rode", 0, 0, 1, 1)), "'rode' is no label of Cityscapes"),
        (content({"label": "road", "polygon": [[1, 1]]}), "has 1 points"),
    ],
)
def test_r25_what_is_no_polygon_of_cityscapes_is_told(broken, said):
    with pytest.raises(DataError, match=said):
        paint_polygons(broken, "trainIds", "x")


def test_cityscapes_label_maps_stand_beside_the_polygons(tmp_path):
    folder = tmp_path / "gtFine" / "train" / "aachen"
    folder.mkdir(parents=True)
    (folder / "aachen_000000_000019_gtFine_polygons.json").write_text(json.dumps(content(square("sky", 0, 0, 7, 5))))
    report = convert_cityscapes(tmp_path, Cityscapes.palette)
    assert report.done == [folder / "aachen_000000_000019_gtFine_labelTrainIds.png"]
    assert (read_label(report.done[0]) == 10).all()
    assert np.array(Image.open(report.done[0]).convert("RGB"))[0, 0].tolist() == [70, 130, 180]
    with pytest.raises(DataError, match="no polygons in"):
        convert_cityscapes(folder, Cityscapes.palette)


def test_real_polygons_agree_with_the_label_maps_beside_them(shared, tmp_path):
    original = shared / "data" / "tiny" / "cityscapes"
    gt = tmp_path / "gtFine"
    for file in original.glob("gtFine/val/*/*_polygons.json"):
        place = gt / file.relative_to(original / "gtFine")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    report = convert_cityscapes(tmp_path, Cityscapes.palette, encoding="ids")
    assert (len(report.done), report.failures) == (5, [])
    for path in report.done:
        traced = read_label(original / "gtFine" / path.relative_to(gt))
        assert (read_label(path) == traced).mean() > 0.95  # the polygons were traced from it, and simplified


def sbd(folder: Path) -> Path:
    savemat = pytest.importorskip("scipy.io").savemat
    (folder / "dataset" / "cls").mkdir(parents=True)
    for part, names in (("train", ["2008_000002", "2008_000003"]), ("val", ["2008_000004", "2008_000005"])):
        (folder / "dataset" / f"{part}.txt").write_text("".join(f"{name}\n" for name in names))
        for name in names:
            label = np.full((3, 4), int(name[-1]), np.uint8)
            savemat(folder / "dataset" / "cls" / f"{name}.mat", {"GTcls": {"Segmentation": label, "Boundaries": 0}})
    return folder


def test_voc_is_augmented_by_what_it_lacks(tmp_path, caplog):
    benchmark = sbd(tmp_path / "benchmark_RELEASE")
    lists = tmp_path / "VOCdevkit" / "VOC2012" / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "trainval.txt").write_text("2008_000003\n")
    (benchmark / "dataset" / "cls" / "2008_000005.mat").write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 200)
    report = augment_voc(tmp_path / "VOCdevkit", benchmark, PascalVOC.palette)
    assert [path.name for path in report.done] == ["2008_000002.png", "2008_000004.png"]
    assert (read_label(report.done[0]) == 2).all()
    assert (lists / "aug.txt").read_text() == "2008_000002\n2008_000004\n"
    assert "2008_000005.mat" in caplog.text
    with pytest.raises(DataError, match="has no dataset/cls"):
        augment_voc(tmp_path / "VOCdevkit", tmp_path, PascalVOC.palette)


def merged(path: Path) -> None:
    def part(image: int, label: int, counts: list[int]) -> dict:
        return {"image_id": image, "category_id": label, "segmentation": {"size": [2, 3], "counts": counts}}

    images = [
        {"image_id": 1, "file_name": "a.jpg", "phase": "train", "height": 2, "width": 3},
        {"image_id": 2, "file_name": "b.jpg", "phase": "val", "height": 2, "width": 3},
    ]
    parts = [part(1, 2, [0, 2, 4]), part(1, 458, [2, 2, 2]), part(2, 3, [0, 6])]
    path.write_text(json.dumps({"images": images, "annos_segmentation": parts}))


def test_pascal_context_is_made_of_the_merged_file(tmp_path):
    merged(tmp_path / "trainval_merged.json")
    report = convert_context(tmp_path, tmp_path)
    assert read_label(report.done[0]).tolist() == [[1, 59, 0], [1, 59, 0]]
    assert (read_label(report.done[1]) == 0).all()  # a label that is not among the frequent ones
    lists = tmp_path / "ImageSets" / "Segmentation"
    assert [(lists / f"{part}_context.txt").read_text().split() for part in ("train", "val", "trainval")] == [
        ["a"],
        ["b"],
        ["a", "b"],
    ]
    (tmp_path / "JPEGImages").mkdir()
    Image.new("RGB", (3, 2)).save(tmp_path / "JPEGImages" / "a.jpg")
    assert PascalContext([], tmp_path, mode="train").num_classes == 60
    again = convert_context(tmp_path, tmp_path / "trainval_merged.json", background="ignore", overwrite=True)
    assert read_label(again.done[0]).tolist() == [[0, 58, 255], [0, 58, 255]]
    (tmp_path / "trainval_merged.json").write_text("{}")
    with pytest.raises(DataError, match=r"is not trainval_merged\.json of PASCAL Context"):
        convert_context(tmp_path, tmp_path)


def test_pascal_context_is_made_of_mat_files(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    main = tmp_path / "VOC2010" / "ImageSets" / "Main"
    main.mkdir(parents=True)
    (main / "train.txt").write_text("a\nnot_annotated\n")
    (main / "val.txt").write_text("b\n")
    (tmp_path / "mats").mkdir()
    for name, labels in (("a", [[2, 458, 3]]), ("b", [[0, 9, 460]])):
        savemat(tmp_path / "mats" / f"{name}.mat", {"LabelMap": np.array(labels, np.uint16)})
    report = convert_context(tmp_path / "VOC2010", tmp_path / "mats")
    assert read_label(report.done[0]).tolist() == [[1, 59, 0]]
    assert "holds labels 0 to 460" in report.failures[0][1]
    with pytest.raises(DataError, match="holds neither"):
        convert_context(tmp_path / "VOC2010", main)


def test_coco_stuff_gets_the_numbers_that_training_gives_it(tmp_path):
    (tmp_path / "in" / "val2017").mkdir(parents=True)
    Image.fromarray(np.array([[0, 10, 12, 181, 255, 11]], np.uint8)).save(tmp_path / "in" / "val2017" / "x.png")
    report = convert_masks(tmp_path / "in", tmp_path / "out", NewIds(PUBLISHED, others=255))
    assert report.done == [tmp_path / "out" / "val2017" / "x.png"]
    assert read_label(report.done[0]).tolist() == [[0, 10, 11, 170, 255, 255]]
